# Hands the program to a host that has not installed it, for the time of one task.
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import hashlib
import os

from ansible.plugins.action import ActionBase

PROGRAM = os.path.join('roles', 'cronlatch', 'files', 'cronlatch.cjs')


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        self._supports_async = True
        result = super(ActionModule, self).run(tmp, task_vars)
        del tmp
        collection = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        program = os.path.join(collection, PROGRAM)
        try:
            with open(program, 'rb') as file:
                digest = hashlib.sha256(file.read()).hexdigest()
        except (IOError, OSError) as error:
            result.update(
                failed=True,
                msg='The collection has no %s (%s). Write it anew: cronlatch export ansible DIR' % (PROGRAM, error),
            )
            return result
        args = dict(self._task.args, program_sha256=digest)

        if self._task.async_val:
            # A job goes on when this task has ended, and what the task brought would be gone by then.
            first = self._execute_module(
                module_args=dict(args, command='version'), task_vars=task_vars
            )
            if first.get('program_missing'):
                first['msg'] = 'cronlatch is not installed on this host: run the play with --tags cronlatch_install first.'
            if first.get('failed'):
                result.update(first)
                return result
            result.update(
                self._execute_module(module_args=args, task_vars=task_vars, wrap_async=self._task.async_val)
            )
            return result

        done = self._execute_module(module_args=args, task_vars=task_vars)
        if done.get('program_missing'):
            made = self._connection._shell.tmpdir is None
            if made:
                self._make_tmp_path()
            tmpdir = self._connection._shell.tmpdir
            there = self._connection._shell.join_path(tmpdir, 'cronlatch.cjs')
            self._transfer_file(program, there)
            self._fixup_perms2((tmpdir, there))
            try:
                done = self._execute_module(module_args=dict(args, program=there), task_vars=task_vars)
            finally:
                self._remove_tmp_path(tmpdir)
        result.update(done)
        return result
