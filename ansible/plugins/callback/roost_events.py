# Writes one line of JSON for each thing that happens in a play, for Roost's runner to follow.
#
# A callback plugin rather than the stdout of a JSON callback: lines are whole as soon as they are there (one write
# call each on an O_APPEND file), the human output stays in output.log, and nothing of a module's arguments leaves
# here. A result gives away its message alone, and not even that where no_log says so. Compiled into Roost and written
# into each run's folder, so that the writer always matches the reader (ansible/src/events.rs).
#
# Kinds: play, start, ok, changed, skipped, failed, ignored, unreachable, promises, nohosts, stats.

from __future__ import annotations

import json
import os
import time

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: roost_events
type: notification
short_description: one line of JSON for each event of a play
description: Appends to the file named by the environment variable ROOST_EVENTS; without it nothing is written.
"""

MESSAGE_LIMIT = 2000
PROMISES_FACT = "bootstrap_agent_promises"
PROMISES_ROLE = "bootstrap_agent"


class CallbackModule(CallbackBase):
    """Follows a play and writes what happens."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "roost_events"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        path = os.environ.get("ROOST_EVENTS")
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600) if path else None
        self._started = {}

    def v2_playbook_on_play_start(self, play):
        self._write("play", task=play.get_name())

    def v2_playbook_on_no_hosts_matched(self):
        self._write("nohosts")

    def v2_runner_on_start(self, host, task):
        self._started[(host.get_name(), task._uuid)] = time.monotonic()
        self._write("start", host=host.get_name(), **self._names(task))

    def v2_runner_on_ok(self, result):
        self._result("changed" if result.is_changed() else "ok", result)
        self._promises(result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._result("ignored" if ignore_errors else "failed", result)

    def v2_runner_on_skipped(self, result):
        self._result("skipped", result)

    def v2_runner_on_unreachable(self, result):
        self._result("unreachable", result)

    def v2_playbook_on_stats(self, stats):
        self._write("stats", hosts={host: stats.summarize(host) for host in sorted(stats.processed)})

    def _result(self, kind, result):
        host = result.host.get_name()
        began = self._started.pop((host, result.task._uuid), None)
        took = None if began is None else int((time.monotonic() - began) * 1000)
        self._write(kind, host=host, took_ms=took, message=self._message(kind, result), **self._names(result.task))

    def _promises(self, result):
        role = result.task._role
        if role is None or role.get_name().rpartition(".")[2] != PROMISES_ROLE:
            return
        facts = result.result.get("ansible_facts")
        promises = facts.get(PROMISES_FACT) if isinstance(facts, dict) else None
        if isinstance(promises, list):
            self._write("promises", host=result.host.get_name(), promises=promises)

    @staticmethod
    def _names(task):
        role = task._role.get_name() if task._role else None
        return {"task": task.name or task.action, "role": role}

    @staticmethod
    def _message(kind, result):
        if kind in ("ok", "changed", "skipped"):
            return None
        data = result.result
        if result.task.no_log or data.get("_ansible_no_log") or "censored" in data:
            return "hidden by no_log"
        parts = [data.get("msg"), data.get("stderr"), data.get("module_stderr")]
        for item in data.get("results") or []:
            if isinstance(item, dict) and item.get("failed") and not item.get("_ansible_no_log"):
                parts.append(item.get("msg"))
        texts = [part for part in parts if isinstance(part, str) and part.strip()]
        return " | ".join(dict.fromkeys(texts))[:MESSAGE_LIMIT]

    def _write(self, kind, **fields):
        if self._file is None:
            return
        fields = {key: value for key, value in fields.items() if value is not None}
        line = json.dumps({"v": 1, "at_ms": int(time.time() * 1000), "kind": kind, **fields}, default=str)
        os.write(self._file, line.encode() + b"\n")
