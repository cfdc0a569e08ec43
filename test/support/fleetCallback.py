# What Ansible did, as one JSON document on standard output: ansible-core has no callback of that kind of its own.
import json

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = '''
name: fleetCallback
type: stdout
short_description: one JSON document
description: For the tests of cronlatch.
'''


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'stdout'
    CALLBACK_NAME = 'fleetCallback'

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.tasks = []

    def _start(self, task):
        self.tasks.append({'name': task.get_name(), 'hosts': {}})

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._start(task)

    def v2_playbook_on_handler_task_start(self, task):
        self._start(task)

    def _keep(self, result, **more):
        self.tasks[-1]['hosts'][result._host.get_name()] = dict(result._result, **more)

    def v2_runner_on_ok(self, result):
        self._keep(result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._keep(result, failed=True)

    def v2_runner_on_unreachable(self, result):
        self._keep(result, unreachable=True)

    def v2_runner_on_skipped(self, result):
        self._keep(result, skipped=True)

    def v2_playbook_on_stats(self, stats):
        told = {'tasks': self.tasks, 'stats': {host: stats.summarize(host) for host in stats.processed}}
        self._display.display(json.dumps(told, default=str))
