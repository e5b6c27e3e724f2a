"""Starting, pausing, stepping, stopping and restarting a run, and what to do when it fails."""

from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any, ClassVar

import msgspec
from textual.binding import Binding

from tuilab.core.errors import GPU_FAULT, InputError
from tuilab.core.experiment.experiment import with_value
from tuilab.core.experiment.validation import find_errors
from tuilab.core.format import format_counted, format_value
from tuilab.core.protocol.commands import AnyCommand, Step, Stop
from tuilab.core.protocol.events import Failed
from tuilab.ui.controllers.context import Context
from tuilab.ui.controllers.edits import EditController
from tuilab.ui.keymap import bind
from tuilab.ui.screens.dialogs import Ask, Choice, Prompt

SEED_COUNT = 2**31

PACES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
"""Steps per second that the keys go through."""

SLOW_MOTION = 10.0
"""The pace that the key for it begins with."""

MAX_PROBLEMS = 4
"""Problems of an experiment that a notification lists."""

_key = partial(bind, "Training")
_rate_key = partial(_key, show=True, group=Binding.Group("lr", compact=True))


class TrainingController:
    """Sends the commands of a run, and asks first where work would be lost."""

    BINDINGS: ClassVar[list[Binding]] = [
        _key("space", "training.run", "run", "Start training, pause it, resume it", show=True),
        _key("s", "training.step", "step", "Train one batch, then pause", show=True),
        _key("e", "training.epoch", "epoch", "Train one epoch, then pause"),
        _key("n", "training.steps", "N steps", "Train a number of batches, then pause"),
        _key("x", "training.stop", "stop", "End the run: evaluate it and save a checkpoint"),
        _key("r", "training.restart", "restart", "Start over with the same seed", show=True),
        _key("W", "training.restart_keeping_weights", "restart, keep weights",
             "Start over; unchanged layers keep their weights"),
        _key("N", "training.restart_reseeded", "restart, new seed",
             "Start over with a new seed"),
        _rate_key("[", "training.change_rate(-1)", "lr down",
                  "Lower the learning rate, also during training"),
        _rate_key("]", "training.change_rate(1)", "lr up",
                  "Raise the learning rate, also during training"),
        _key("underscore", "training.change_pace(-1)", "slower",
             "Fewer steps per second, to watch"),
        _key("asterisk", "training.change_pace(1)", "faster",
             "More steps per second, at last as fast as possible"),
        _key("backslash", "training.toggle_pace", "full speed",
             "Train as fast as possible, or at the pace from before again"),
        _key("D", "training.choose_device", "device", "Choose the device to train on"),
    ]  # fmt: skip

    def __init__(
        self, context: Context, edits: EditController, go_to_problem: Callable[[], None]
    ) -> None:
        """Initializes the controller.

        Args:
            go_to_problem: moves the cursor to the line of the network that is wrong.
        """
        self._context, self._edits, self._go_to_problem = context, edits, go_to_problem
        self._workspace = context.workspace
        self._last_steps, self._last_pace = "100", SLOW_MOTION

    def can_start(self) -> bool:
        """Returns whether the experiment can be started; shows what is wrong if it cannot."""
        errors = find_errors(self._workspace.experiment)
        if errors:
            is_network = errors[0].startswith("network")
            self._context.show_pane("network" if is_network else "knobs")
            if is_network:
                self._go_to_problem()
            self._context.notify(
                "\n".join(errors[:MAX_PROBLEMS]), title="It cannot start yet", severity="error",
                timeout=8,
            )  # fmt: skip
        return not errors

    def run(self) -> None:
        """Starts, pauses or resumes a run."""
        if self._workspace.run.is_active:
            self._name_unrelated_run()
            self._context.send(self._workspace.toggle_run())
        elif self.can_start():
            self._start(self._workspace.start())

    def _start(self, commands: list[AnyCommand]) -> None:
        """Starts a run, and shows a pane in which it is seen."""
        self._context.send(commands)
        has_picture = self._workspace.experiment.data.plot_kind in ("plane", "curve")
        self._context.reveal_pane("result" if has_picture else "charts")

    def _name_unrelated_run(self) -> None:
        """Says which run a key is for, where that is not a run of what is edited."""
        if self._workspace.is_run_unrelated:
            note = f"This is the run {self._workspace.run.id}. r starts the edited experiment."
            self._context.notify(note)

    def step(self) -> None:
        """Trains one batch."""
        self._train(Step(steps=1))

    def epoch(self) -> None:
        """Trains one epoch."""
        self._train(Step(epochs=1))

    async def steps(self) -> None:
        """Asks for a number of batches and trains them."""
        question = "How many batches before it pauses?"
        prompt = Prompt("Train N steps", question, self._last_steps, check=parse_count)
        steps = await self._context.ask(prompt)
        if steps is not None:
            self._last_steps = str(steps)
            self._train(Step(steps=steps))

    def _train(self, command: Step) -> None:
        if self._workspace.run.is_active:
            self._name_unrelated_run()
            self._context.send([command])
        elif self.can_start():
            self._start([*self._workspace.start(paused=True), command])

    def stop(self) -> None:
        """Ends the run."""
        if self._workspace.run.is_active:
            self._context.send([Stop()])
        else:
            self._context.notify("There is no run to stop.")

    async def restart(self) -> None:
        """Starts again, with what has been edited since."""
        if self.can_start() and await self._may_lose_work():
            self._start_again()

    async def restart_reseeded(self) -> None:
        """Starts again with the next seed."""
        if self.can_start() and await self._may_lose_work():
            experiment = self._workspace.experiment
            seed = (experiment.seed + 1) % SEED_COUNT
            self._workspace.edits.push(msgspec.structs.replace(experiment, seed=seed))
            self._start_again()

    def _start_again(self) -> None:
        is_paused = self._workspace.run.state == "paused"
        self._start(self._workspace.start(paused=is_paused))

    def restart_keeping_weights(self) -> None:
        """Starts again with the weights of the layers that did not change."""
        if self.can_start():
            self._start(self._workspace.start(keep=True))

    async def _may_lose_work(self) -> bool:
        if not self._workspace.would_lose_training:
            return True
        run = self._workspace.run
        seconds = run.progress.seconds if run.progress is not None else 0
        text = (
            f"This run has trained for {seconds:.0f} seconds, {format_counted(run.step, 'step')}."
        )
        choices = [
            Choice("Restart", True, "r", "Its log stays in the run's folder; its weights are lost"),
            Choice("Continue this run", False, "c"),
        ]
        return bool(await self._context.ask(Ask("Restart?", text, choices)))

    def change_rate(self, direction: int) -> None:
        """Sets the learning rate to its next value up or down."""
        before = self._workspace.experiment
        self._edits.nudge("optimizer.lr", direction)
        after = self._workspace.experiment
        if after is not before and not self._is_rate_marked:
            self._context.notify(f"Learning rate: {format_value(after.optimizer.lr)}", timeout=2)

    @property
    def _is_rate_marked(self) -> bool:
        """Whether a chart on the screen marks a change of the learning rate."""
        is_live = self._workspace.run.state == "training" and not self._workspace.is_run_unrelated
        return is_live and self._context.is_displayed("charts")

    def change_pace(self, direction: int) -> None:
        """Sets the steps per second to the next value up or down; the highest is full speed."""
        pace, progress = self._workspace.experiment.training.pace, self._workspace.run.progress
        if not pace and direction > 0:
            self._context.notify("It trains as fast as possible.")
            return
        if not pace:
            pace = progress.steps_per_second if progress is not None else inf
        if direction > 0:
            self._set_pace(next((value for value in PACES if value > pace), 0.0))
        else:
            self._set_pace(max((value for value in PACES if value < pace), default=PACES[0]))

    def toggle_pace(self) -> None:
        """Switches between full speed and the last pace."""
        pace = self._workspace.experiment.training.pace
        self._last_pace = pace or self._last_pace
        self._set_pace(0.0 if pace else self._last_pace)

    def _set_pace(self, pace: float) -> None:
        self._edits.change("training.pace", pace)
        speed = f"{format_value(pace)} steps per second" if pace else "as fast as possible"
        self._context.notify(f"Pace: {speed}", timeout=2)

    async def choose_device(self) -> None:
        """Asks for one of the devices that the host has found."""
        devices = self._workspace.run.devices
        if not devices:
            self._context.notify("PyTorch is still loading; the devices are not known yet.")
            return
        choices = [Choice("auto", "auto", about="The best available device")]
        choices += [Choice(d.name, d.name, about=d.label, problem=d.problem) for d in devices]
        experiment = self._workspace.experiment
        current = f"Now: {experiment.training.device}"
        name = await self._context.ask(Ask("Device", current, choices))
        if name is not None:
            self._edits.edit(with_value(experiment, "training.device", name))

    async def explain(self, failure: Failed) -> None:
        """Shows what went wrong, and does what is chosen of the ways out."""
        choices = [Choice(offer.label, offer.commands) for offer in failure.offers]
        choices.append(Choice("Look around", [], "l", "Everything stays as it is"))
        commands: list[AnyCommand] | None = await self._context.ask(
            Ask(failure.title, failure.hint, choices, detail=failure.detail, tone="-error")
        )
        if commands:
            self._workspace.apply_commands(commands)
            self._context.send(commands)

    async def report_lost_host(self, reason: str) -> None:
        """Offers to train again, from a checkpoint if there is one, to look around, or to quit."""
        run, title = self._workspace.run, "The host is gone"
        failure = run.failure
        is_gpu_fault = failure is not None and failure.title == GPU_FAULT
        if failure is not None and is_gpu_fault:
            title, reason = failure.title, failure.hint
        choices = [
            Choice("Keep looking", None, "l", "Nothing changes; space starts a new host"),
            Choice("Quit", "quit", "q"),
        ]
        if run.is_active or is_gpu_fault:
            about = "There is no checkpoint: it starts over with the same seed"
            about = f"The same run with its history: {run.checkpoint}" if run.checkpoint else about
            label = "Resume from its checkpoint" if run.checkpoint else "Train it again"
            choices.insert(0, Choice(label, "again", "g", about))
        run.apply(Failed(run.id, title, reason, step=run.step))
        self._context.repaint()
        answer = await self._context.ask(Ask(title, reason, choices, tone="-error"))
        if answer == "quit":
            self._context.exit()
        elif answer == "again":
            self._context.send(self._workspace.restart_lost_run())


def parse_count(text: str) -> Any:
    """Returns a whole number of at least one; InputError where the text is something else."""
    try:
        number = int(text.replace(" ", "").replace("_", ""))
    except ValueError:
        raise InputError("enter a whole number, such as 100") from None
    if number < 1:
        raise InputError("enter at least 1")
    return number
