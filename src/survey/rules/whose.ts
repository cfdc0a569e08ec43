// Rules about the user a worker runs as.
import type { JobRule } from './rule.ts';

export const otherUsersJob: JobRule = {
  code: 'other-users-job',
  check: (job) => (job.foreign ? { args: { user: job.user.name }, obstacle: true } : 'fine'),
};

export const noHome: JobRule = {
  code: 'no-home',
  check: (job) =>
    job.places === 'none' && job.live ? { args: { user: job.user.name }, obstacle: true } : 'fine',
};
