"""The chart of metrics: which there are, the key that goes through them, their guide lines."""

from math import exp, log
from pathlib import Path
from typing import Any

import pytest

from tests.support.lab_pilot import open_lab, screen_text
from tests.support.sample_runs import trained_run
from tests.ui.test_charts_pane import open_charts
from tuilab.core.catalogue.data.points import Sine
from tuilab.core.catalogue.data.texts import PythonSource, TextFile
from tuilab.core.catalogue.losses import KL, CrossEntropy, smoothed_entropy
from tuilab.core.catalogue.tasks import GAN, LanguageModel, Regression
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.events import EpochEnded, Progressed
from tuilab.core.run.run import Run
from tuilab.ui.panes.charts.chart_metrics import (
    find_loss_guides,
    find_metric_guides,
    label_series,
    list_metrics,
    metric_title,
)


def evaluated_run(validation: dict[str, float], **experiment: Any) -> Run:
    """Returns a run after its first evaluation."""
    run = trained_run(60, **experiment)
    run.apply(EpochEnded("a", 60, 1, {}, {"loss": 0.5, **validation}))
    return run


METRICS = {"accuracy": 0.9, "majority": 0.1, "f1": 0.8, "auroc": 0.95}


def test_metrics_come_in_the_order_of_the_task_without_baseline_and_loss() -> None:
    assert list_metrics(evaluated_run(METRICS)) == ["accuracy", "f1", "auroc"]
    assert [metric_title(name) for name in ("accuracy", "f1", "r2", "discriminator_accuracy")] == [
        "Accuracy", "F1", "R²", "D accuracy",
    ]  # fmt: skip


def test_before_an_evaluation_the_metric_of_the_task_is_listed() -> None:
    run = Run()
    run.begin("a", Experiment(task=Regression(), data=Sine()))
    assert list_metrics(run) == ["r2"]
    run.begin("a", Experiment(task=LanguageModel(), data=PythonSource()))
    assert list_metrics(run) == ["perplexity"]
    assert list_metrics(Run()) == ["accuracy"]
    assert list_metrics(Run(), Experiment(task=Regression(), data=Sine())) == ["r2"]


def test_accuracy_is_compared_with_the_majority_class() -> None:
    run = evaluated_run(METRICS)
    assert find_metric_guides(run, "accuracy") == ((0.1, "majority class 0.1"),)
    assert find_metric_guides(run, "f1") == ()


def test_smoothed_labels_have_a_floor_of_the_training_loss() -> None:
    assert find_loss_guides(Experiment()) == ()
    [(floor, text)] = find_loss_guides(Experiment(loss=CrossEntropy(label_smoothing=0.2)))
    assert floor == pytest.approx(-0.9 * log(0.9) - 0.1 * log(0.1))
    assert floor == smoothed_entropy(0.2, 2) and text.startswith("floor of training 0.325")
    assert find_loss_guides(Experiment(loss=CrossEntropy(label_smoothing=0.2, balanced=True))) == ()
    assert find_loss_guides(Experiment(loss=KL(label_smoothing=0.2))) == ()


def test_a_language_model_is_compared_with_guessing_by_frequency() -> None:
    data = PythonSource(size=20)
    run = evaluated_run({"perplexity": 30.0}, task=LanguageModel(), data=data)
    [(perplexity, text)] = find_metric_guides(run, "perplexity")
    assert perplexity == data.unigram_perplexity and 10 < perplexity < 60
    assert text.startswith("by frequency alone")

    run = evaluated_run({"perplexity": 30.0}, task=LanguageModel(), data=TextFile(path="/no/such"))
    assert find_metric_guides(run, "perplexity") == () and find_loss_guides(run.experiment) == ()


def test_unigram_perplexity_is_that_of_the_counts(tmp_path: Path) -> None:
    path = str(tmp_path / "text")
    Path(path).write_text("aab" * 10)
    expected = exp(-(2 / 3 * log(2 / 3) + 1 / 3 * log(1 / 3)))
    assert TextFile(path=path).unigram_perplexity == pytest.approx(expected)
    assert TextFile(path=path, tokens="bytes").unigram_perplexity == pytest.approx(expected)


def test_both_losses_of_a_gan_are_in_one_chart() -> None:
    run = trained_run(20, task=GAN())
    metrics = {"discriminator_accuracy": 0.7, "discriminator_loss": 0.6}
    run.apply(Progressed("a", 21, 1, 0.5, 0.5, 0.5, metrics, 1e-3, 9, 9, 9, 9))
    labels = label_series(run.series, ("loss", "discriminator_loss"))
    assert labels == {"loss/train": "generator", "discriminator_loss/train": "discriminator"}
    run.apply(EpochEnded("a", 21, 1, {}, {"loss": 1.0, "discriminator_loss": 0.5}))
    labels = label_series(run.series, ("loss", "discriminator_loss"))
    assert len(set(labels.values())) == len(labels) == 4
    assert find_metric_guides(run, "discriminator_accuracy") == ((0.5, "guessing 0.5"),)


async def test_the_loss_chart_shows_the_floor() -> None:
    async with open_charts(evaluated_run({}, loss=CrossEntropy(label_smoothing=0.2))) as (app, _):
        assert "floor of training 0.325" in screen_text(app)


async def test_a_key_goes_through_the_metrics_also_on_a_small_screen() -> None:
    async with open_lab(size=(80, 24)) as lab:
        run = await lab.train(steps=130)
        await lab.play(EpochEnded(run, 130, 10, {}, {"loss": 0.5, **METRICS}))
        await lab.press("3", "t")
        await lab.wait_for_text("majority class 0.1", "1 of 3 · t F1")
        await lab.press("t")
        await lab.wait_for_text(" F1 ", "2 of 3 · t AUROC", "validation 0.8")
        assert "majority" not in lab.text
        assert all(len(line) <= 80 for line in lab.text.splitlines())
        await lab.press("t", "t")
        await lab.wait_for_text("1 of 3 · t F1")


async def test_the_metric_of_the_task_has_its_tab_before_the_first_run() -> None:
    async with open_lab(Experiment(task=Regression(), data=Sine()), size=(160, 45)) as lab:
        await lab.wait_for_text(" R² ")
        assert "Accuracy" not in lab.text
