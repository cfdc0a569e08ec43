// Plesk's tasks of the kind "Fetch a URL": what they start runs in the web server, beyond the reach of an entry.
import type { EntryRule } from './rule.ts';

export const httpTask: EntryRule = {
  code: 'http-task',
  check: ({ task }) =>
    task?.task.type === 'http' ? [{ args: { id: task.task.id, url: task.task.command } }] : [],
};
