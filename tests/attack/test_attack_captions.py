"""Attacks on captions: the losses against hand-made odds, drafts that cost no word, and forced captions in a run."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchbed.adapter import Card
from benchbed.adapter.captioner import Captioner
from benchbed.attack.losses import aimed, caption
from benchbed.errors import ConfigError
from benchbed.metrics.captions.single import Weights
from benchbed.metrics.captions.tokens import tokenise
from benchbed.metrics.families.captions import family
from benchbed.run.attacking.goal import AttackedClip
from benchbed.run.attacking.goals import settle
from benchbed.run.attacking.goals.caption import CaptionGoal
from benchbed.suite.conditions import AttackCondition

WORDS = ("<sos>", "<eos>", "loud", "quiet", "noise", "rain", "falls")


class Toy(Captioner):
    """Says how loud a clip is, and goes on with words that follow each other."""

    card = Card(name="toy", family="other", output="caption", labels=(), sample_rate=8000)
    vocabulary, start, end = WORDS, 0, 1

    def build(self) -> torch.nn.Module:
        return torch.nn.Identity()

    def hear(self, waveforms: torch.Tensor) -> torch.Tensor:
        level = 10 * (waveforms.square().mean((1, 2)) + 1e-9).log10()
        return level[:, None, None] + torch.tensor([0.0, 1.0])

    def next_words(self, memory: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        follows = torch.full((7, 7), -4.0)
        for one, other in ((2, 4), (3, 4), (4, 1), (5, 6), (6, 1)):
            follows[one, other] = 4.0
        loud = memory[:, 0, 0] + 30
        odds = follows[words]
        first = words == 0
        odds = odds + first[..., None] * loud[:, None, None] * torch.tensor([0.0, 0, 1, -1, 0, -0.9, 0])
        return odds


def toy() -> Toy:
    adapter = Toy()
    adapter.load("cpu")
    return adapter


def noise(level: float, clips: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    return 10 ** (level / 20) * torch.randn(clips, 1, 800, generator=generator)


def test_the_cross_entropy_is_that_of_torch_and_the_margin_counts_every_word():
    generator = torch.Generator().manual_seed(1)
    logits, words = torch.randn(3, 5, 7, generator=generator), torch.randint(0, 7, (3, 5), generator=generator)
    words[1, 3:] = -1
    expected = [
        torch.nn.functional.cross_entropy(one[held >= 0], held[held >= 0]).item() for one, held in zip(logits, words)
    ]
    assert caption.cross_entropy(logits, words).tolist() == pytest.approx(expected, abs=1e-6)
    by_hand = []
    for one, held in zip(logits, words):
        gaps = [
            max(float(row[w]) for w in range(7) if w != k) - float(row[k])
            for row, k in zip(one, held.tolist())
            if k >= 0
        ]
        by_hand.append(sum(gaps) / len(gaps))
    assert caption.margin_of(logits, words).tolist() == pytest.approx(by_hand, abs=1e-5)


def test_sentences_are_taught_as_a_decoder_says_them():
    given, wanted, owner = caption.sentences(toy(), [("loud noise", "Rain!"), ("quiet noise",)])
    assert given.tolist() == [[0, 2, 4], [0, 5, 1], [0, 3, 4]]
    assert wanted.tolist() == [[2, 4, 1], [5, 1, -1], [3, 4, 1]]
    assert owner.tolist() == [0, 0, 1]


def test_losses_of_a_memory_are_means_over_a_clips_captions_and_have_gradients():
    adapter, points = toy(), noise(-30).requires_grad_(True)
    losses = caption.taught(aimed("caption"), adapter, [("loud noise", "quiet noise"), ("loud noise",)])
    memory = adapter.hear(points)
    value = losses.LOSSES["ce"](memory, torch.tensor([[0], [1]]))
    alone = [
        caption.taught(aimed("caption"), adapter, [(text,)]).LOSSES["ce"](memory[:1], torch.tensor([[0]])).item()
        for text in ("loud noise", "quiet noise")
    ]
    assert value[0].item() == pytest.approx(np.mean(alone), abs=1e-6)
    # A subset of the clips is told by the target, as attacks select rows.
    assert losses.LOSSES["ce"](memory[1:], torch.tensor([[1]])).item() == pytest.approx(value[1].item(), abs=1e-6)
    for name in losses.LOSSES:
        (slope,) = torch.autograd.grad(
            losses.LOSSES[name](adapter.hear(points), torch.tensor([[0], [1]])).sum(), points
        )
        assert bool(slope.isfinite().all()) and slope.abs().max() > 0
    forced = caption.taught(aimed("caption", "force"), adapter, [("rain falls",)] * 2)
    assert torch.equal(
        forced.LOSSES["force_ce"](memory, torch.tensor([[0], [1]])),
        -caption.taught(aimed("caption"), adapter, [("rain falls",)] * 2).LOSSES["ce"](
            memory, torch.tensor([[0], [1]])
        ),
    )


def test_a_step_up_the_loss_makes_the_own_caption_less_likely_and_the_forced_one_more():
    adapter = toy()
    points = noise(-25).requires_grad_(True)
    for goal, text, up in (("loss", "loud noise", -1), ("force", "rain falls", 1)):
        losses = caption.taught(aimed("caption", goal), adapter, [(text,)] * 2)
        target = torch.tensor([[0], [1]])
        (slope,) = torch.autograd.grad(losses.curved(adapter.hear(points), target).sum(), points)
        moved = points.detach() + 0.01 * slope / slope.flatten(1).norm(dim=1)[:, None, None]
        likely = caption.taught(aimed("caption"), adapter, [(text,)] * 2).LOSSES["ce"]
        change = likely(adapter.hear(moved), target) - likely(adapter.hear(points), target)
        assert bool((up * change < 0).all())


def test_drafts_change_no_caption():
    adapter = toy()
    memory = adapter.hear(torch.cat([noise(-20, 1), noise(-40, 1), noise(-29.9, 1)])).detach()
    said = adapter.texts(memory)
    assert said[:2] == ["loud noise", "quiet noise"]
    for drafts in (said, ["loud noise"] * 3, ["rain falls"] * 3, [""] * 3, ["unknown words"] * 3, ["loud"] * 3):
        assert adapter.texts(memory, drafts) == said


def test_the_score_of_a_single_caption_is_that_of_the_family():
    truth = np.empty(3, object)
    truth[:] = [("a dog barks", "the dog is barking"), ("rain falls on a roof",), ("a car passes by", "a car")]
    said = np.array(["a dog is barking", "rain falls", "a dog"], object)
    scorer = family().context(said, truth)
    weights = Weights([[tokenise(text) for text in clip] for clip in truth])
    for row in range(3):
        whole = scorer.values(scorer.statistics(said[row : row + 1], truth[row : row + 1])[0])["cider_d"]
        assert weights.cider_d(tokenise(said[row]), [tokenise(t) for t in truth[row]]) == pytest.approx(whole, abs=1e-9)
    assert np.isnan(Weights([[("a",)]]).cider_d(("a",), [("a",)]))


def test_a_condition_is_settled_or_refused():
    settled = settle("caption", AttackCondition(attack="fast", budgets=[20]), ())
    assert settled["goal"] == "loss" and settled["success"]["rule"] == "cider_d"
    forced = AttackCondition(attack="pgd", budgets=[20], goal="force", target_text="rain falls")
    assert settle("caption", forced, ())["success"]["rule"] == "exact"
    with pytest.raises(ValueError, match="go together"):
        AttackCondition(attack="pgd", budgets=[20], goal="force")
    with pytest.raises(ConfigError, match="no word"):
        settle("caption", AttackCondition(attack="pgd", budgets=[20], goal="force", target_text="…!"), ())
    with pytest.raises(ConfigError, match="no rule of success for captions"):
        settle("caption", AttackCondition(attack="pgd", budgets=[20], success={"rule": "event_f1"}), ())
    with pytest.raises(ConfigError, match="one word after another"):
        settle("caption", AttackCondition(attack="pgd", space="features"), ())


def task(**condition) -> tuple[CaptionGoal, list[AttackedClip]]:
    truth = np.empty(2, object)
    truth[:] = [("loud noise", "a loud noise"), ("quiet noise",)]
    job = SimpleNamespace(labels=(), clips={"test": None}, references={"test": truth})
    asked = AttackCondition(attack="pgd", budgets=[20], **condition)
    made = CaptionGoal(job, asked, settle("caption", asked, ()))
    samples = [AttackedClip(row, None, None, truth[row], 0.1, 800) for row in range(2)]
    return made, samples


def test_a_clip_is_broken_where_its_own_score_falls_to_half():
    made, samples = task(success={"rule": "rouge_l"})
    for sample, text in zip(samples, ("loud noise", "quiet noise")):
        made.read(sample, text, None)
        assert sample.right and sample.score == 1.0
    twin = made.taught(toy(), [sample.truth for sample in samples])
    target = torch.from_numpy(made.target([s.truth for s in samples], None))
    loud, quiet = noise(-20, 1), noise(-40, 1)
    margin = twin.judge(samples, None).margin(toy().hear(torch.cat([loud, quiet])), target)
    assert (margin > 0).all()
    # One word of two is half of the score: at most half is broken. ROUGE-L is symmetric here.
    margin = twin.judge(samples, None).margin(toy().hear(torch.cat([quiet, loud])), target)
    assert (margin < 0).all()
    verdict = made.verdict(samples[1], ["loud noise"], "loud noise", None)
    assert not verdict.correct and verdict.facts["score_attacked"] == pytest.approx(0.5)
    assert (verdict.facts["missed"], verdict.facts["inserted"]) == (1, 1)
    assert made.verdict(samples[1], ["quiet noise"], "quiet noise", None).correct


def test_a_forced_caption_is_success_word_for_word_or_by_nearness():
    made, samples = task(goal="force", target_text="Rain falls.")
    made.read(samples[0], "loud noise", None)
    assert samples[0].right
    assert not made.verdict(samples[0], ["rain falls"], "rain falls", None).correct
    assert made.verdict(samples[0], ["rain"], "rain", None).correct
    made.read(samples[1], "rain falls", None)
    assert not samples[1].right and samples[1].spared == "nothing to force: the clean caption is the wanted one"
    near, samples = task(goal="force", target_text="rain falls", success={"rule": "target_rouge_l"})
    near.read(samples[0], "loud noise", None)
    assert samples[0].score == 1.0
    assert not near.verdict(samples[0], ["rain falls down"], "rain falls down", None).correct


def test_a_captioner_that_only_answers_says_what_it_lacks():
    made, samples = task()
    silent = SimpleNamespace(card=SimpleNamespace(name="closed"), hear=None)
    with pytest.raises(ConfigError, match="closed cannot be attacked: it has no hear"):
        made.taught(silent, [sample.truth for sample in samples])


def test_chance_is_what_a_caption_of_another_clip_reaches():
    made, _ = task(success={"rule": "rouge_l", "clean_above": 0.4})
    truth = np.empty(3, object)
    truth[:] = [("loud noise",), ("quiet noise",), ("rain falls",)]
    # "quiet noise" shares one of two words with "loud noise"; the other pairs share none.
    assert made.chance(truth) == pytest.approx(1 / 3)
