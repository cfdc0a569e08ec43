#!/usr/bin/python
# One cronlatch command on one host: options in, cronlatch's own JSON out, told in Ansible's words.
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
---
module: cronlatch
short_description: Latch cron workers, check them, and put them back
description:
  - Runs one command of cronlatch, which gives a PHP or Node worker in a crontab a kernel lock, rewrites its entry,
    checks the result and can put everything back byte for byte.
  - The program travels with the collection. A host that has not installed it gets it for the time of the task.
  - Needs Node on the host, no npm and no Python but Ansible's own.
version_added: "0.1.0"
author:
  - The cronlatch authors (@cronlatch)
options:
  command:
    description:
      - C(version) finds Node and the program, and changes nothing.
      - C(scan) says what can pile up or fail in silence, and changes nothing.
      - C(deploy) latches a worker and watches its next runs. Where a check fails, cronlatch puts everything back itself.
      - C(verify) runs the checklist for what is deployed.
      - C(rollback) puts a deployment back.
      - C(monitor) watches for an hour. Meant for a task with C(async), on a host where the program is installed.
    type: str
    required: true
    choices: [version, scan, deploy, verify, rollback, monitor]
  file:
    description: Crontabs kept as files, instead of those that cron reads.
    type: list
    elements: path
  system:
    description: The files have a column for the user.
    type: bool
  dialect:
    description: Whose rules the crontabs are read by.
    type: str
    choices: [debian, cronie]
  user:
    description: The crontab of this user.
    type: str
  site:
    description: The crontab of this site's system user, on Plesk.
    type: str
  subscription:
    description: The same for a whole subscription of Plesk.
    type: str
  plesk_timeout:
    description: How long Plesk may take for one answer, such as C(30s).
    type: str
  script:
    description: The worker's script.
    type: str
  entry:
    description: Or the line of its entry.
    type: int
  all:
    description: Or every worker that can be latched.
    type: bool
  id:
    description: The deployment that is meant, for C(verify) and C(rollback). Without it the last that stands.
    type: str
  interpreter:
    description: PHP or Node the worker is to run with, as an absolute path.
    type: str
  log:
    description: Where the worker's output goes.
    type: str
  guard:
    description: Where the guard stands, in the script or in the entry.
    type: str
    choices: [script, entry]
  lock_dir:
    description: Where the lock lies.
    type: str
  lock_in_docroot:
    description: Take C(lock_dir) even where a browser can get it.
    type: bool
  shared_lock:
    description: For one worker on several web servers, the C(.env) file of the database they share, for a second lock in it.
    type: str
  worker:
    description: A file on the host with a new version of the script, which is put in its place.
    type: path
  once:
    description: Whether C(--once) is added.
    type: str
    choices: [auto, 'yes', 'no']
  grace:
    description: How long an old instance may take to end after SIGTERM, such as C(30s).
    type: str
  kill_after:
    description: When what still runs then gets SIGKILL. Without it nothing is killed.
    type: str
  through:
    description: Whether Plesk's task is changed with its line, or the crontab alone.
    type: str
    choices: [scheduler, crontab]
  task_type:
    description: The kind of task it is to be in Plesk.
    type: str
    choices: [exec, php]
  without:
    description: Parts of a deployment that are left out.
    type: list
    elements: str
    choices: [guard, stop, verify, database]
  keep_on_fail:
    description: Keep the change even where a check fails. The task fails all the same.
    type: bool
  strict:
    description: Fail where something could not be measured, too.
    type: bool
  ticks:
    description: How many runs are watched.
    type: int
  max_wait:
    description: How long they are waited for at most, such as C(10m).
    type: str
  url:
    description: The addresses of the sites, to see whether one hands out the log.
    type: list
    elements: str
  to:
    description: The form that is left behind by C(rollback).
    type: str
    choices: [before, long-running, disabled]
  keep_foreign_edits:
    description: Where others have edited since, take back only our lines.
    type: bool
  lasts:
    description: How long C(monitor) watches, such as C(1h).
    type: str
  max_runtime:
    description: After which time without a sign of progress a run counts as hanging, for C(monitor).
    type: str
  fail_fast:
    description: End the watch at the first violation.
    type: bool
  status:
    description: Begin no watch, and tell how the last one stands.
    type: bool
  fail_on:
    description: From which level of findings on a scan fails. Without it findings are told and nothing fails.
    type: str
    choices: [note, warn, stop]
  only:
    description: Only these rules.
    type: list
    elements: str
  ignore:
    description: Not these rules.
    type: list
    elements: str
  db_url:
    description: The worker's database as C(mysql://USER@HOST/NAME), with no password in it.
    type: str
  db_user:
    description: Or its parts. The account.
    type: str
  db_password:
    description: Its password. Handed over in the environment, never on a command line.
    type: str
  db_password_file:
    description: Or a file of mode 0600 on the host with the password.
    type: path
  db_url_file:
    description: Or a file of mode 0600 on the host with the whole URL.
    type: path
  db_name:
    description: The database.
    type: str
  db_host:
    description: Its host.
    type: str
  db_port:
    description: Its port.
    type: int
  db_socket:
    description: Its unix socket.
    type: str
  db_tls:
    description: Whether the connection is encrypted, C(off), C(on) or C(verify).
    type: str
    choices: ['off', 'on', verify]
  db_tls_ca:
    description: The authority to verify it with, a file on the host.
    type: path
  jobs_table:
    description: The table of jobs.
    type: str
  jobs_states:
    description: Its words, such as C(pending=new,done=ok|sent).
    type: str
  jobs_sql:
    description: Or a statement with one row, pending, processing, done and failed.
    type: str
  jobs_lock:
    description: The named lock of its workers, as in C(work:{owner}).
    type: str
  state_dir:
    description: Where journals are kept. Root's are in C(/var/lib/cronlatch).
    type: path
  wait:
    description: How long another cronlatch on the host is waited for, such as C(60s).
    type: str
  node_path:
    description: The Node to run cronlatch with. Without it C(PATH) and Plesk's own are looked at.
    type: path
  program:
    description: Where the installed program is looked for.
    type: path
    default: /usr/local/lib/cronlatch/cronlatch.cjs
  program_sha256:
    description: Digest that the program must have. Given by the collection itself.
    type: str
attributes:
  check_mode:
    support: full
    description: Writes nothing and says what would be changed. What only watches is skipped.
  diff_mode:
    support: full
    description: Shows crontab and script before and after, with the values of secrets left out.
'''

EXAMPLES = r'''
- name: What can pile up here?
  cronlatch.fleet.cronlatch:
    command: scan

- name: Latch one worker
  cronlatch.fleet.cronlatch:
    command: deploy
    user: example-user
    script: httpdocs/scripts/worker.php
  register: latched

- name: Put that back
  cronlatch.fleet.cronlatch:
    command: rollback
    id: "{{ latched.deployment }}"
  when: latched is changed
'''

RETURN = r'''
outcome:
  description: What became of it, in the word of cronlatch's own report.
  returned: when the program ran
  type: str
  sample: deployed
exit:
  description: The program's exit code.
  returned: when the program ran
  type: int
  sample: 0
deployment:
  description: The deployment's name, with which it is put back.
  returned: when something was deployed or put back
  type: str
  sample: 20261124-185911-1fef
checks:
  description: The checklist, each with C(check), C(worker), C(is), C(expected) and C(saw).
  returned: after deploy and verify
  type: list
  elements: dict
findings:
  description: What was found, each with C(level), C(code) and C(message).
  returned: after scan and deploy
  type: list
  elements: dict
steps:
  description: What was or would be changed, each with C(kind) and C(what).
  returned: after deploy and rollback
  type: list
  elements: dict
report:
  description: The report of the watch, as cronlatch prints it.
  returned: after monitor
  type: dict
node:
  description: The Node that was used.
  returned: always, where there is one
  type: str
  sample: /opt/plesk/node/22/bin/node
node_version:
  description: Its version.
  returned: always, where there is one
  type: str
  sample: 22.13.0
version:
  description: The version of cronlatch.
  returned: when the program ran
  type: str
  sample: 0.1.0
'''

import glob
import hashlib
import json
import os
import re

from ansible.module_utils.basic import AnsibleModule

OLDEST = (20, 17)
PLESK = '/opt/plesk/node/*/bin/node'

# Options that only say how to run it, or are handed over otherwise.
NOT_FLAGS = ('command', 'id', 'node_path', 'program', 'program_sha256', 'db_password', 'without')


def is_new_enough(version):
    return version is not None and tuple(version[:2]) >= OLDEST


def version_of(module, path):
    code, out, dummy = module.run_command([path, '--version'], expand_user_and_vars=False)
    found = re.match(r'v(\d+)\.(\d+)\.(\d+)', out)
    return [int(part) for part in found.groups()] if code == 0 and found else None


def find_node(module):
    """Path and version of the Node to use; ends the task where there is none."""
    named = module.params['node_path']
    plesk = [(version_of(module, path), path) for path in glob.glob(PLESK)] if not named else []
    plesk = [path for version, path in sorted([one for one in plesk if one[0]], reverse=True)]
    on_path = [] if named else [module.get_bin_path(name) for name in ('node', 'nodejs')]
    looked = []
    for path in [named] if named else [path for path in on_path if path] + plesk:
        version = version_of(module, path) if os.path.exists(path) else None
        if is_new_enough(version):
            return path, '.'.join(str(part) for part in version)
        told = 'is not there' if not os.path.exists(path) else 'does not run'
        looked.append('%s %s' % (path, 'is %s' % '.'.join(str(part) for part in version) if version else told))
    place = 'node_path names it' if named else 'looked at PATH and %s' % PLESK
    module.fail_json(
        msg='No Node %d.%d or newer on this host: %s%s. Install one (on Plesk: Node.js Toolkit) or set node_path.'
        % (OLDEST[0], OLDEST[1], place, ''.join('; %s' % one for one in looked)),
        no_node=True,
    )


def check_program(module):
    """Ends the task unless the program is the one that this collection carries."""
    path, wanted = module.params['program'], module.params['program_sha256']
    digest = None
    try:
        with open(path, 'rb') as file:
            digest = hashlib.sha256(file.read()).hexdigest()
    except (IOError, OSError):
        pass
    if digest is None or digest != (wanted or digest):
        module.fail_json(msg='%s is not the program of this collection.' % path, program_missing=True)


def words_for(params, check_mode):
    """The command line behind the program's name."""
    command = params['command']
    words = [command] + ([params['id']] if params['id'] else []) + ['--json', '--quiet']
    for name in sorted(params):
        value = params[name]
        if name in NOT_FLAGS or value is None or value is False:
            continue
        if name == 'strict' and command != 'deploy':
            continue
        flag = '--for' if name == 'lasts' else '--' + name.replace('_', '-')
        if value is True:
            words.append(flag)
        else:
            words += ['%s=%s' % (flag, one) for one in (value if isinstance(value, list) else [value])]
    if params['without']:
        words.append('--without=%s' % ','.join(params['without']))
    if command == 'scan' and not params['fail_on']:
        words.append('--fail-on=never')
    if command in ('deploy', 'rollback'):
        words.append('--dry-run' if check_mode else '--ci')
    return words


def source_name(source):
    return 'user:%s' % source['user'] if source['is'] == 'user' else source['path']


def what_of(step):
    """The thing a step is about, as a person names it."""
    return step.get('path') or step.get('script') or source_name(step['source'])


def look_of(file):
    return '' if file == 'absent' else 'mode %04o, uid %d, gid %d' % (file['mode'], file['uid'], file['gid'])


def diff_of(step):
    """One step as Ansible shows it."""
    kind = step['kind']
    header = what_of(step)
    before, after = '', ''
    if kind == 'put-crontab':
        before, after = step['before'], step['after']
    elif kind == 'put-task':
        # Plesk writes the crontab; ours to show are the lines and the tasks' texts.
        def told(when):
            tasks = ['task %d: %s %s %s\n' % (c['id'], c[when]['type'], c[when]['command'], c[when]['args']) for c in step['changes']]
            return ''.join(tasks + [line for edit in step['edits'] for line in edit[when]])
        before, after = told('before'), told('after')
    elif kind == 'put-file':
        old, new = step['before'], step['after']
        if 'absent' in (old, new) and step['what'] == 'guard':
            # A file of ours, the same on every host: its digest says as much as its five hundred lines.
            before, after = [
                '' if one == 'absent' else 'the guard, sha256 %s, %s\n' % (hashlib.sha256(one['text'].encode('utf-8')).hexdigest(), look_of(one))
                for one in (old, new)
            ]
        else:
            before, after = ['' if one == 'absent' else one['text'] for one in (old, new)]
            if 'absent' not in (old, new) and look_of(old) != look_of(new):
                header += ' (%s, was %s)' % (look_of(new), look_of(old))
    elif kind in ('make-directory', 'remove-directory'):
        line = 'directory, mode %04o, uid %d, gid %d\n' % (step['mode'], step['owner']['uid'], step['owner']['gid'])
        before, after = ('', line) if kind == 'make-directory' else (line, '')
    elif kind == 'stop-process':
        before = ''.join('running, PID %d\n' % pid for pid in step['seen'])
    return dict(before=before, after=after, before_header=header, after_header=header)


def changes(step):
    """Stopping is always in a plan, for what may have been started by then."""
    return step['kind'] != 'stop-process' or bool(step['seen'])


def named(verdict):
    return '%s%s: %s' % (verdict['check'], ' (%s)' % verdict['worker'] if verdict['worker'] else '', verdict['saw'])


def read_report(module, document, code):
    """Cronlatch's report in Ansible's words, with the texts of crontabs and scripts left out."""
    command = module.params['command']
    outcome = document['outcome']
    steps = document.get('plan', {}).get('steps', [])
    checks = [dict((key, one[key]) for key in ('check', 'worker', 'is', 'expected', 'saw')) for one in document.get('checks', [])]
    failed = ['%s, which was %s' % (named(one), 'expected: %s' % one['expected']) for one in checks if one['is'] == 'fail']
    unsure = [named(one) for one in checks if one['is'] == 'inconclusive']
    result = dict(outcome=outcome['is'], exit=code, changed=False, warnings=[])
    if 'deployment' in document:
        result['deployment'] = document['deployment']
    if command in ('deploy', 'rollback'):
        result['steps'] = [dict(kind=step['kind'], what=what_of(step)) for step in steps]
        result['changed'] = any(changes(step) for step in steps) and outcome['is'] in (
            ('planned',) if module.check_mode else ('deployed', 'rolled-back') if command == 'rollback' else ('deployed',)
        )
        if module._diff and result['changed']:
            result['diff'] = [diff_of(step) for step in steps if changes(step)]
    if command in ('deploy', 'verify'):
        result['checks'] = checks
        result['warnings'] += ['Not measured: %s' % one for one in unsure]
    if command in ('deploy', 'scan'):
        found = list(document.get('findings', []))
        for crontab in document.get('crontabs', []):
            found += crontab['findings'] + [one for entry in crontab['entries'] for one in entry['findings']]
        result['findings'] = [dict((key, one[key]) for key in ('level', 'code', 'message', 'fix', 'where') if key in one) for one in found]
    if command == 'deploy':
        result['warnings'] += [one['message'] for one in result['findings'] if one['level'] == 'warn']
    if command == 'scan':
        result['counts'] = document.get('counts', {})
    if command == 'monitor':
        result['report'] = document
    if outcome['is'] == 'problem':
        said = ' '.join(outcome['message'])
    elif failed:
        said = '%s. Failed: %s' % (outcome['is'], '; '.join(failed))
    elif outcome.get('codes'):
        stops = [one['message'] for one in document.get('findings', []) if one['level'] == 'stop']
        said = '%s by %s. %s' % (outcome['is'], ', '.join(outcome['codes']), ' '.join(stops))
    else:
        said = outcome['is'] + (' as %s' % document['deployment'] if outcome['is'] == 'deployed' else '')
    result['msg'] = said
    # Exit 4 is half done: what stands there is not what stood before.
    result['changed'] = result['changed'] or code == 4
    result['failed'] = code not in (0, 6) or (code == 6 and bool(module.params['strict']))
    return result


def main():
    text = dict(type='str')
    flag = dict(type='bool')

    def one_of(*words):
        return dict(type='str', choices=list(words))

    module = AnsibleModule(
        supports_check_mode=True,
        argument_spec=dict(
            command=dict(type='str', required=True, choices=['version', 'scan', 'deploy', 'verify', 'rollback', 'monitor']),
            file=dict(type='list', elements='path'),
            dialect=one_of('debian', 'cronie'),
            guard=one_of('script', 'entry'),
            once=one_of('auto', 'yes', 'no'),
            through=one_of('scheduler', 'crontab'),
            task_type=one_of('exec', 'php'),
            without=dict(type='list', elements='str', choices=['guard', 'stop', 'verify', 'database']),
            to=one_of('before', 'long-running', 'disabled'),
            fail_on=one_of('note', 'warn', 'stop'),
            only=dict(type='list', elements='str'),
            ignore=dict(type='list', elements='str'),
            url=dict(type='list', elements='str'),
            db_tls=one_of('off', 'on', 'verify'),
            worker=dict(type='path'),
            db_url_file=dict(type='path'),
            db_password_file=dict(type='path', no_log=False),
            db_tls_ca=dict(type='path'),
            entry=dict(type='int'),
            ticks=dict(type='int'),
            db_port=dict(type='int'),
            db_url=dict(type='str', no_log=True),
            db_password=dict(type='str', no_log=True),
            system=flag, all=flag, lock_in_docroot=flag, keep_on_fail=flag, strict=flag, keep_foreign_edits=flag,
            user=text, site=text, subscription=text, plesk_timeout=text, script=text, id=text, interpreter=text, log=text,
            fail_fast=flag, status=flag, lasts=text, max_runtime=text, lock_dir=text, grace=text, kill_after=text, max_wait=text, db_user=text, db_name=text, db_host=text,
            db_socket=text, jobs_table=text, jobs_states=text, jobs_sql=text, jobs_lock=text, shared_lock=text, wait=text,
            state_dir=dict(type='path'),
            node_path=dict(type='path'),
            program=dict(type='path', default='/usr/local/lib/cronlatch/cronlatch.cjs'),
            program_sha256=text,
        ),
    )
    params = module.params
    node, node_version = find_node(module)
    check_program(module)
    about = dict(node=node, node_version=node_version)
    if params['command'] == 'version':
        code, out, err = module.run_command([node, params['program'], '--version'], expand_user_and_vars=False)
        if code != 0:
            module.fail_json(msg=err.strip(), exit=code, **about)
        module.exit_json(changed=False, version=out.strip(), exit=0, outcome='told', **about)
    if module.check_mode and (params['command'] == 'verify' or (params['command'] == 'monitor' and not params['status'])):
        module.exit_json(changed=False, skipped=True, msg='Watching is for a real run: in check mode nothing was deployed.', **about)

    environment = {} if params['db_password'] is None else {'CRONLATCH_DB_PASSWORD': params['db_password']}
    code, out, err = module.run_command(
        [node, params['program']] + words_for(params, module.check_mode),
        expand_user_and_vars=False,
        environ_update=environment,
    )
    try:
        document = json.loads(out)
        result = read_report(module, document, code)
    except (ValueError, KeyError, TypeError) as error:
        module.fail_json(
            msg='cronlatch ended with %s and its report cannot be read (%s): %s' % (code, error, err.strip()[-1000:]), exit=code, **about
        )
    result.update(about)
    if 'version' in document:
        result['version'] = document['version']
    if result['failed']:
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == '__main__':
    main()
