// The Ansible collection that `cronlatch export ansible` writes, all but the program in it: text, put in by the build.
import license from '../../LICENSE?raw';
import lint from '../../templates/ansible/.ansible-lint?raw';
import changelog from '../../templates/ansible/CHANGELOG.md?raw';
import groupVars from '../../templates/ansible/examples/inventory/group_vars/cronlatch.yml?raw';
import hosts from '../../templates/ansible/examples/inventory/hosts.yml?raw';
import galaxy from '../../templates/ansible/galaxy.yml?raw';
import runtime from '../../templates/ansible/meta/runtime.yml?raw';
import playCollect from '../../templates/ansible/playbooks/collect.yml?raw';
import playDeploy from '../../templates/ansible/playbooks/deploy.yml?raw';
import playRollback from '../../templates/ansible/playbooks/rollback.yml?raw';
import playWatch from '../../templates/ansible/playbooks/watch.yml?raw';
import action from '../../templates/ansible/plugins/action/cronlatch.py?raw';
import module from '../../templates/ansible/plugins/modules/cronlatch.py?raw';
import readme from '../../templates/ansible/README.md?raw';
import defaults from '../../templates/ansible/roles/cronlatch/defaults/main.yml?raw';
import argumentSpecs from '../../templates/ansible/roles/cronlatch/meta/argument_specs.yml?raw';
import meta from '../../templates/ansible/roles/cronlatch/meta/main.yml?raw';
import roleReadme from '../../templates/ansible/roles/cronlatch/README.md?raw';
import collect from '../../templates/ansible/roles/cronlatch/tasks/collect.yml?raw';
import deploy from '../../templates/ansible/roles/cronlatch/tasks/deploy.yml?raw';
import install from '../../templates/ansible/roles/cronlatch/tasks/install.yml?raw';
import main from '../../templates/ansible/roles/cronlatch/tasks/main.yml?raw';
import report from '../../templates/ansible/roles/cronlatch/tasks/report.yml?raw';
import rollback from '../../templates/ansible/roles/cronlatch/tasks/rollback.yml?raw';
import scan from '../../templates/ansible/roles/cronlatch/tasks/scan.yml?raw';
import verify from '../../templates/ansible/roles/cronlatch/tasks/verify.yml?raw';
import watch from '../../templates/ansible/roles/cronlatch/tasks/watch.yml?raw';
import watched from '../../templates/ansible/roles/cronlatch/tasks/watched.yml?raw';
import command from '../../templates/ansible/roles/cronlatch/templates/cronlatch.sh.j2?raw';
import roleVars from '../../templates/ansible/roles/cronlatch/vars/main.yml?raw';

/** Where the program lies in the collection: the role copies it, the module takes it from there. */
export const programPath = 'roles/cronlatch/files/cronlatch.cjs';

const texts: Readonly<Record<string, string>> = {
  LICENSE: license,
  '.ansible-lint': lint,
  'CHANGELOG.md': changelog,
  'README.md': readme,
  'examples/inventory/group_vars/cronlatch.yml': groupVars,
  'examples/inventory/hosts.yml': hosts,
  'galaxy.yml': galaxy,
  'meta/runtime.yml': runtime,
  'playbooks/collect.yml': playCollect,
  'playbooks/deploy.yml': playDeploy,
  'playbooks/rollback.yml': playRollback,
  'playbooks/watch.yml': playWatch,
  'plugins/action/cronlatch.py': action,
  'plugins/modules/cronlatch.py': module,
  'roles/cronlatch/README.md': roleReadme,
  'roles/cronlatch/defaults/main.yml': defaults,
  'roles/cronlatch/meta/argument_specs.yml': argumentSpecs,
  'roles/cronlatch/meta/main.yml': meta,
  'roles/cronlatch/tasks/collect.yml': collect,
  'roles/cronlatch/tasks/deploy.yml': deploy,
  'roles/cronlatch/tasks/install.yml': install,
  'roles/cronlatch/tasks/main.yml': main,
  'roles/cronlatch/tasks/report.yml': report,
  'roles/cronlatch/tasks/rollback.yml': rollback,
  'roles/cronlatch/tasks/scan.yml': scan,
  'roles/cronlatch/tasks/verify.yml': verify,
  'roles/cronlatch/tasks/watch.yml': watch,
  'roles/cronlatch/tasks/watched.yml': watched,
  'roles/cronlatch/templates/cronlatch.sh.j2': command,
  'roles/cronlatch/vars/main.yml': roleVars,
};

/** Every file of the collection but the program, by its path, for this version. */
export function collection(version: string): ReadonlyMap<string, string> {
  return new Map(Object.entries(texts).map(([path, text]) => [path, text.replaceAll('@VERSION@', version)]));
}
