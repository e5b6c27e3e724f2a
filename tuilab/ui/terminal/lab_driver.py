"""Textual's driver, in which nothing that the terminal sends ends the lab."""

import signal

from textual.drivers.linux_driver import LinuxDriver


class LabDriver(LinuxDriver):
    """Reads keys, and goes on after bytes that are no UTF-8, as some terminals send for Alt."""

    def _run_input_thread(self) -> None:
        """Reads until the lab ends; an error of ours is reported as any other one."""
        while True:
            try:
                self.run_input_thread()
            except UnicodeDecodeError:
                continue
            except OSError:  # the terminal is gone, or is another program's
                self._app.call_later(self._app.exit, 128 + signal.SIGHUP)
            except Exception as error:
                self._app.call_later(self._app._handle_exception, error)
            return
