"""What the keys of training do: each asks where it must, then sends commands."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from textual import on, work
from textual.screen import Screen

from tuilab.core.errors import GPU_FAULT, InputError
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.experiment.form import nudged
from tuilab.core.experiment.validation import problems
from tuilab.core.format import grouped
from tuilab.core.protocol.commands import AnyCommand, Step, Stop
from tuilab.core.protocol.events import Failed
from tuilab.ui.messages import Commanded
from tuilab.ui.screens.dialogs import Ask, Choice, Prompt
from tuilab.ui.workspace import Workspace

SEEDS = 2**31


class TrainingController(Screen[None]):
    """A screen with a desk, and a way to send commands."""

    def __init__(self, desk: Workspace, send: Callable[[AnyCommand], None]) -> None:
        super().__init__()
        self.workspace = desk
        self._send = send
        self._steps = "100"

    def repaint(self) -> None:
        """Show the desk as it is now."""
        raise NotImplementedError

    def go_to(self, key: str) -> None:
        """Move to where a key of the experiment is edited."""
        raise NotImplementedError

    def send(self, commands: Iterable[AnyCommand]) -> None:
        """Send commands and show what follows from them at once."""
        for command in commands:
            self._send(command)
        self.repaint()

    @on(Commanded)
    def _commanded(self, event: Commanded) -> None:
        self.send([event.command])

    def can_start(self) -> bool:
        """Whether the experiment can be started; if not, say why and go there."""
        found = problems(self.workspace.experiment)
        if found:
            self.go_to(found[0])
            self.notify("\n".join(found[:4]), title="It cannot start yet", severity="error",
                        markup=False, timeout=8)  # fmt: skip
        return not found

    def action_run(self) -> None:
        """Begin, pause or go on."""
        begins = not self.workspace.run.is_active
        if not begins or self.can_start():
            self.send(self.workspace.toggle())

    def action_step(self) -> None:
        """One batch."""
        self._step(Step(steps=1))

    def action_epoch(self) -> None:
        """One epoch."""
        self._step(Step(epochs=1))

    @work
    async def action_steps(self) -> None:
        """As many batches as wanted."""
        steps = await self.app.push_screen_wait(
            Prompt(
                "Train N steps",
                "How many batches, before it pauses?",
                self._steps,
                check=whole_number,
            )
        )
        if steps is not None:
            self._steps = str(steps)
            self._step(Step(steps=steps))

    def _step(self, command: Step) -> None:
        if self.workspace.run.is_active:
            self.send([command])
        elif self.can_start():
            self.send([*self.workspace.start(paused=True), command])

    def action_stop(self) -> None:
        """End the run."""
        if self.workspace.run.is_active:
            self.send([Stop()])
        else:
            self.notify("There is no run to stop.")

    def action_restart(self) -> None:
        """The same again, with what has been edited since."""
        self._restart()

    def action_restart_keeping(self) -> None:
        """Again, but with what unchanged layers have learned."""
        self._restart(keep=True)

    def action_restart_reseeded(self) -> None:
        """Again with other chances."""
        seed = (self.workspace.experiment.seed + 1) % SEEDS
        self._restart(msgspec.structs.replace(self.workspace.experiment, seed=seed))

    @work(exclusive=True, group="restart")
    async def _restart(self, experiment: Experiment | None = None, keep: bool = False) -> None:
        if not self.can_start() or (not keep and not await self._may_lose_work()):
            return
        if experiment is not None:
            self.workspace.edits.do(experiment)
        paused = self.workspace.run.state == "paused"
        self.send(self.workspace.start(keep=keep, paused=paused and not keep))

    async def _may_lose_work(self) -> bool:
        if not self.workspace.would_lose_work:
            return True
        progress = self.workspace.run.progress
        seconds = progress.seconds if progress is not None else 0
        choices = [
            Choice("Restart", True, "r", "Its log stays in the run's folder; its weights go"),
            Choice("Go on with this run", False, "c"),
        ]
        text = f"This run has trained for {seconds:.0f} seconds, {grouped(self.workspace.run.step)} steps."
        return bool(await self.app.push_screen_wait(Ask("Restart?", text, choices)))

    def action_rate(self, direction: int) -> None:
        """The next learning rate up or down."""
        self.nudge("optimizer.lr", direction)

    def edit(self, experiment: Experiment) -> None:
        """Put a change on the desk; what a lesson has locked stays as it is."""
        if locked := self.workspace.locked_in(experiment):
            self.notify(f"This lesson keeps {', '.join(locked)} as it is.", markup=False)
            self.repaint()
        else:
            self.send(self.workspace.edit(experiment))

    def nudge(self, key: str, direction: int) -> None:
        """The next value of a knob up or down."""
        self.edit(nudged(self.workspace.experiment, key, direction))

    def change(self, key: str, value: Any) -> None:
        """Give a knob a value; what cannot be is said."""
        try:
            experiment = with_value(self.workspace.experiment, key, value)
        except InputError as error:
            self.notify(str(error), severity="error", markup=False)
        else:
            self.edit(experiment)

    def action_undo(self) -> None:
        """Take the last change back."""
        self._report(self.workspace.undo(), "There is nothing to undo.")

    def action_redo(self) -> None:
        """Do it again."""
        self._report(self.workspace.redo(), "There is nothing to redo.")

    def _report(self, commands: list[AnyCommand] | None, nothing: str) -> None:
        if commands is None:
            self.notify(nothing)
        else:
            self.send(commands)

    @work
    async def action_device(self) -> None:
        """Choose among what the host has found."""
        devices = self.workspace.run.devices
        if not devices:
            self.notify("PyTorch is still being loaded; then the devices are known.")
            return
        choices = [Choice("auto", "auto", about="The best one that can be used")]
        choices += [Choice(d.name, d.name, about=d.label, problem=d.problem) for d in devices]
        present = self.workspace.experiment.training.device
        name = await self.app.push_screen_wait(Ask("Device", f"Now: {present}", choices))
        if name is not None:
            self.edit(with_value(self.workspace.experiment, "training.device", name))

    @work
    async def explain(self, failure: Failed) -> None:
        """Say what went wrong and offer the ways out."""
        choices = [Choice(offer.label, offer.commands) for offer in failure.offers]
        choices.append(Choice("Look around", [], "l", "Everything stays as it is"))
        answer: list[AnyCommand] | None = await self.app.push_screen_wait(
            Ask(failure.title, failure.hint, choices, detail=failure.detail, tone="-error")
        )
        if answer:
            self.follow(answer)

    def follow(self, commands: list[AnyCommand]) -> None:
        """Do what a failure has offered; what it sets is set on the desk as well."""
        self.workspace.adopt(commands)
        self.send(commands)

    @work
    async def lost(self, why: str) -> None:
        """The host is gone: begin again from what it has left, look around, or leave."""
        run, title = self.workspace.run, "The host is gone"
        failure = run.failure
        is_fault = failure is not None and failure.title == GPU_FAULT
        if failure is not None and is_fault:
            title, why = failure.title, failure.hint
        choices = [
            Choice("Keep looking", None, "l", "Everything stays; space begins on a new host"),
            Choice("Quit", "quit", "q"),
        ]
        if (run.is_active or is_fault) and run.checkpoint:
            choices.insert(0, Choice("Go on from its checkpoint", "again", "g", run.checkpoint))
        elif run.is_active or is_fault:
            about = "It had saved no checkpoint: from the beginning, with the same seed"
            choices.insert(0, Choice("Train it again", "again", "g", about))
        run.apply(Failed(run.id, title, why, step=run.step))
        self.repaint()
        answer = await self.app.push_screen_wait(Ask(title, why, choices, tone="-error"))
        if answer == "quit":
            self.app.exit(0)
        elif answer == "again":
            self.send(self.workspace.start_again())


def whole_number(text: str) -> Any:
    """A number of steps, of at least one."""
    try:
        number = int(text.replace(" ", "").replace("_", ""))
    except ValueError:
        raise InputError("write a whole number, such as 100") from None
    if number < 1:
        raise InputError("at least one step")
    return number
