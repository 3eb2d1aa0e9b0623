"""Programs and models that caption metrics need from outside, with tiny ones that the tests make."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchbed.errors import CannotMeasure, ConfigError, DataError
from benchbed.metrics.captions.outside import clap, fluency, sentences, spice, texts
from benchbed.metrics.captions.outside.places import OUTSIDE, place, variable
from benchbed.metrics.families.captions import check, family

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
transformers = texts.library()

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "dog", "barks"]
WORDS += ["rain", "falls", "on", "the", "roof", "man", "speaks"]
SAID = ["a dog barks", "rain falls on the roof"]
TRUTH = [["a dog barks", "the dog barks"], ["rain falls"]]


def bert(folder: Path, *, weights: bool = True) -> tuple[transformers.BertTokenizerFast, transformers.BertModel]:
    """A random BERT of 15 words in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    tokenizer = transformers.BertTokenizerFast(str(folder / "vocab.txt"), do_lower_case=True)
    tokenizer.save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=64,
    )
    torch.manual_seed(3)
    model = transformers.BertModel(config).eval()
    model.save_pretrained(folder) if weights else config.save_pretrained(folder)
    return tokenizer, model


@pytest.fixture(scope="module")
def sentence_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As the sentence-transformers library writes one."""
    folder = tmp_path_factory.mktemp("sentences") / "tiny"
    bert(folder)
    kinds = [("", "Transformer"), ("1_Pooling", "Pooling")]
    modules = [
        {"idx": i, "path": path, "type": f"sentence_transformers.models.{k}"} for i, (path, k) in enumerate(kinds)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(
        json.dumps({"word_embedding_dimension": 16, "pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False})
    )
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 32, "do_lower_case": False}))
    return folder


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As FENSE publishes one: a checkpoint that names its BERT, beside that BERT's files."""
    folder = tmp_path_factory.mktemp("fluency") / "tiny"
    tokenizer, model = bert(folder, weights=False)
    state = {f"encoder.{name}": value for name, value in model.state_dict().items()}
    torch.manual_seed(4)
    last = torch.nn.Linear(16, 6)
    with torch.no_grad():
        # The last answer tells the second caption from the first.
        held = tokenizer(SAID, padding="max_length", max_length=64, return_tensors="pt")
        one, other = model(**held).last_hidden_state[:, 0]
        last.weight[5] = (other - one) * 20 / ((other - one) ** 2).sum()
        last.bias[5] = -last.weight[5] @ (one + other) / 2
    state |= {f"clf.{name}": value.detach() for name, value in last.state_dict().items()}
    # Checkpoints of that time hold the numbers of the places as well.
    state["encoder.embeddings.position_ids"] = torch.arange(64)[None]
    torch.save({"model_type": "tiny", "num_classes": 6, "state_dict": state}, folder / "echecker.ckpt")
    return folder


@pytest.fixture(scope="module")
def clap_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clap") / "tiny"
    tokenizer, _ = bert(folder, weights=False)
    text = {"vocab_size": len(WORDS), "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text |= {"intermediate_size": 24, "max_position_embeddings": 64, "projection_dim": 8, "pad_token_id": 0}
    torch.manual_seed(5)
    transformers.ClapTextModelWithProjection(transformers.ClapTextConfig(**text)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def cosine(one: torch.Tensor, other: torch.Tensor) -> float:
    return float(torch.nn.functional.cosine_similarity(one, other, dim=-1))


def test_sentence_similarity_by_hand(sentence_model):
    """The mean of the words' vectors of each text alone, without padding; the mean cosine over the references."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(sentence_model)
    model = transformers.AutoModel.from_pretrained(sentence_model).eval()

    def vector(text: str) -> torch.Tensor:
        with torch.no_grad():
            return model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(dim=0)

    expected = [np.mean([cosine(vector(one), vector(text)) for text in held]) for one, held in zip(SAID, TRUTH)]
    found = sentences.scores(sentence_model, SAID, TRUTH)
    assert found == pytest.approx(expected, abs=1e-6)
    assert (np.abs(found) <= 1 + 1e-12).all()


@pytest.mark.parametrize(("mode", "key"), [("cls", "pooling_mode_cls_token"), ("max", "pooling_mode_max_tokens")])
def test_other_poolings(sentence_model, tmp_path, mode, key):
    folder = tmp_path / mode
    bert(folder)
    (folder / "modules.json").write_text((sentence_model / "modules.json").read_text())
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({key: True}))
    tokenizer, model = (getattr(transformers, f"Auto{kind}").from_pretrained(folder) for kind in ("Tokenizer", "Model"))
    with torch.no_grad():
        one, other = (
            model.eval()(**tokenizer(t, return_tensors="pt")).last_hidden_state[0] for t in ("a dog", "the roof")
        )
    pooled = (one[0], other[0]) if mode == "cls" else (one.max(0).values, other.max(0).values)
    assert sentences.scores(folder, ["a dog"], [["the roof"]])[0] == pytest.approx(cosine(*pooled), abs=1e-6)


def test_layers_and_poolings_that_are_not_known_are_refused(sentence_model, tmp_path):
    for name, change in (
        ("dense", {"modules.json": [{"path": "2_Dense", "type": "sentence_transformers.models.Dense"}]}),
        ("both", {"1_Pooling/config.json": {"pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True}}),
    ):
        folder = tmp_path / name
        bert(folder)
        (folder / "1_Pooling").mkdir()
        for file, content in change.items():
            (folder / file).write_text(json.dumps(content))
        with pytest.raises(CannotMeasure, match=r"not known here|alone is known"):
            sentences.scores(folder, ["a"], [["a"]])


def test_fluency_by_hand(detector):
    """The sigmoid of the sixth answer on the first word's vector, padded to 64 as FENSE does."""
    state = torch.load(detector / "echecker.ckpt", weights_only=True)["state_dict"]
    tokenizer = transformers.AutoTokenizer.from_pretrained(detector)
    _, model = bert(detector.parent / "again")
    with torch.no_grad():
        held = tokenizer("a dogs bark", padding="max_length", max_length=64, return_tensors="pt")
        first = model(**held).last_hidden_state[0, 0]
        logit = first @ state["clf.weight"][5] + state["clf.bias"][5]
    assert fluency.scores(detector, ["a dog's bark!"]) == pytest.approx([float(torch.sigmoid(logit))], abs=1e-6)


def test_fluency_from_safetensors(detector, tmp_path):
    from safetensors.torch import save_file

    folder = tmp_path / "safe"
    bert(folder, weights=False)
    state = torch.load(detector / "echecker.ckpt", weights_only=True)["state_dict"]
    save_file({name: value.contiguous() for name, value in state.items()}, folder / "echecker.safetensors")
    assert fluency.scores(folder, SAID) == pytest.approx(fluency.scores(detector, SAID))


def test_clap_by_hand(clap_model):
    tokenizer = transformers.AutoTokenizer.from_pretrained(clap_model)
    model = transformers.ClapTextModelWithProjection.from_pretrained(clap_model).eval()

    def vector(text: str) -> torch.Tensor:
        held = tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            return model(held["input_ids"], held["attention_mask"]).text_embeds[0]

    expected = [np.mean([cosine(vector(one), vector(text)) for text in held]) for one, held in zip(SAID, TRUTH)]
    assert clap.scores(clap_model, SAID, TRUTH) == pytest.approx(expected, abs=1e-6)


def test_loading_leaves_the_random_state_alone(sentence_model, detector):
    sentences._embedder.cache_clear(), fluency._detector.cache_clear()
    before = torch.random.get_rng_state()
    sentences.scores(sentence_model, ["a"], [["a"]]), fluency.scores(detector, ["a"])
    assert torch.equal(before, torch.random.get_rng_state())


def test_weights_that_could_run_code_are_refused(detector, tmp_path):
    import pickle

    class Runs:
        def __reduce__(self):
            return (print, ("ran",))

    folder = tmp_path / "bad"
    bert(folder, weights=False)
    (folder / "bad.ckpt").write_bytes(pickle.dumps({"state_dict": Runs()}))
    with pytest.raises(CannotMeasure, match="does not load"):
        fluency.scores(folder, ["a"])


def test_a_bert_is_no_clap_model(sentence_model):
    with pytest.raises(CannotMeasure, match="does not load"):
        clap.scores(sentence_model, ["a"], [["a"]])


def test_each_text_is_asked_once():
    asked: list[str] = []

    def model(batch):
        asked.extend(batch)
        return torch.ones(len(batch), 2)

    embed = texts.Embedder(model)
    embed(["a", "b", "a"]), embed(["b", "c"])
    assert asked == ["a", "b", "c"]


# SPICE: an executable stands for Java, which reads what the real program would and writes what it would.


def spice_folder(folder: Path) -> Path:
    (folder / "lib").mkdir(parents=True)
    for name in (spice.JAR, *(f"lib/{held}" for held in spice.LIBRARIES)):
        (folder / name).write_bytes(b"")
    return folder


def java(folder: Path, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Java whose program is `body`: the arguments after the jar, with `asked` read from the first of them."""
    path = folder / "bin" / "java"
    path.parent.mkdir()
    path.write_text(
        "#!/usr/bin/env python3\nimport json, sys\nargs = sys.argv[sys.argv.index('-jar') + 2:]\n"
        f"asked = json.load(open(args[0]))\nout = args[args.index('-out') + 1]\n{body}\n"
    )
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(path.parent), prepend=":")


SHARE = (
    "share = lambda i: len(set(i['test'].split()) & set(i['refs'][0].split())) / 10\n"
    "items = [{'image_id': i['image_id'], 'scores': {'All': {'f': share(i)}}} for i in asked]\n"
    "json.dump(items[::-1], open(out, 'w'))"
)


def test_spice_asks_its_program_once_for_each_clip(tmp_path, monkeypatch):
    folder = spice_folder(tmp_path / "spice")
    java(tmp_path, f"open('{tmp_path}/count', 'a').write(str(len(asked)))\n" + SHARE, monkeypatch)
    said, truth = [("a", "dog"), ("rain",), ("a", "dog")], [[("a", "dog")], [("it", "rains")], [("a", "dog")]]
    assert spice.scores(folder, said, truth).tolist() == [0.2, 0.0, 0.2]
    assert spice.scores(folder, said[:1], truth[:1]).tolist() == [0.2]
    assert (tmp_path / "count").read_text() == "2"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("print('java.lang.NoClassDefFoundError: edu/stanford', file=sys.stderr)\nsys.exit(1)", "NoClassDefFoundError"),
        ("json.dump([], open(out, 'w'))", "no figure for every clip"),
        ("pass", "no figure for every clip"),
    ],
)
def test_a_spice_that_fails_says_so(tmp_path, monkeypatch, body, words):
    java(tmp_path, body, monkeypatch)
    with pytest.raises(CannotMeasure, match=words):
        spice.scores(spice_folder(tmp_path / "spice"), [("a",)], [[("b",)]])


def test_a_spice_that_hangs_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(spice, "PATIENCE", (0.2, 0))
    java(tmp_path, "import time\ntime.sleep(60)", monkeypatch)
    with pytest.raises(CannotMeasure, match="had not ended"):
        spice.scores(spice_folder(tmp_path / "spice"), [("a",)], [[("b",)]])


# The family: what runs has figures, what does not says why, and neither touches the other.


def scored(made, said=SAID, truth=TRUTH):
    answers, target = np.array(said, object), np.empty(len(truth), object)
    target[:] = [tuple(held) for held in truth]
    told = made.context(answers, target)
    rows = told.statistics(answers, target)
    sums = rows.sum(axis=0)
    return told.values(sums), told.reasons(sums), rows


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch):
    for name in (*OUTSIDE, "meteor"):
        monkeypatch.delenv(variable(name), raising=False)


def test_all_of_them_together(tmp_path, monkeypatch, sentence_model, detector, clap_model):
    java(tmp_path, SHARE, monkeypatch)
    folder = spice_folder(tmp_path / "spice")
    made = family(spice=str(folder), sentences=str(sentence_model), fluency=str(detector), clap=str(clap_model))
    values, _, _ = scored(made)
    bare, _, _ = scored(family())
    similar, wrong = sentences.scores(sentence_model, SAID, TRUTH), fluency.scores(detector, SAID) > 0.9
    share = spice.scores(folder, [tuple(t.split()) for t in SAID], [[tuple(t.split()) for t in h] for h in TRUTH])
    assert wrong.tolist() == [False, True]
    assert values["spice"] == pytest.approx(share.mean())
    assert values["spider"] == pytest.approx((values["cider_d"] + share.mean()) / 2)
    assert values["fer"] == pytest.approx(0.5)
    assert values["fense"] == pytest.approx((similar * np.where(wrong, 0.1, 1)).mean())
    cider = np.array([scored(family())[2][i][11] for i in range(2)])
    assert values["spider_fl"] == pytest.approx(((cider + share) / 2 * np.where(wrong, 0.1, 1)).mean())
    assert values["clap_sim"] == pytest.approx(clap.scores(clap_model, SAID, TRUTH).mean())
    same = [name for name in bare if not np.isnan(bare[name])]
    assert {"cider_d", "meteor", "bleu_4", "rouge_l"} <= set(same)
    assert [values[name] for name in same] == [bare[name] for name in same]


def test_what_is_not_given_says_what_would_give_it():
    values, reasons, _ = scored(family())
    for name, words in {
        "spice": "BENCHBED_SPICE",
        "spider": "BENCHBED_SPICE",
        "fense": "option",
        "clap_sim": "CLAP model",
        "novel": "option training",
    }.items():
        assert np.isnan(values[name]) and words in reasons[name]


def test_what_fails_costs_no_other_figure(tmp_path, monkeypatch, sentence_model):
    java(tmp_path, "print('boom', file=sys.stderr)\nsys.exit(3)", monkeypatch)
    values, reasons, _ = scored(family(spice=str(spice_folder(tmp_path / "s")), sentences=str(sentence_model)))
    bare, _, _ = scored(family())
    assert "SPICE's program failed: boom" in reasons["spice"] and np.isnan(values["spider"])
    assert values["cider_d"] == bare["cider_d"] and not np.isnan(values["sbert_sim"])


def test_a_clip_that_spice_does_not_understand_is_named(tmp_path, monkeypatch):
    java(
        tmp_path,
        "json.dump([{'image_id': i['image_id'], 'scores': {'All': {'f': None}}} for i in asked], open(out, 'w'))",
        monkeypatch,
    )
    values, reasons, _ = scored(family(spice=str(spice_folder(tmp_path / "s"))))
    assert np.isnan(values["spice"]) and "undefined for 'a dog barks'" in reasons["spice"]


def test_the_environment_names_them_too(monkeypatch, sentence_model):
    monkeypatch.setenv(variable("sentences"), str(sentence_model))
    assert place("sentences").path == sentence_model
    assert not np.isnan(scored(family())[0]["sbert_sim"])


@pytest.mark.parametrize("name", sorted(OUTSIDE))
def test_a_path_that_is_none_is_refused_at_once_and_does_not_stop_a_comparison(tmp_path, name):
    with pytest.raises(ConfigError, match=f"{name}: there is no"):
        check(**{name: str(tmp_path / "none")})
    with pytest.raises(ConfigError, match=f"{name}: .* has no "):
        check(**{name: str(tmp_path)})
    assert (
        "there is no"
        in scored(family(**{name: str(tmp_path / "none")}))[1][
            {"spice": "spice", "sentences": "sbert_sim", "fluency": "fer", "clap": "clap_sim"}[name]
        ]
    )


def test_other_options_that_name_nothing(tmp_path):
    with pytest.raises(DataError, match="training captions"):
        check(training=str(tmp_path / "none.csv"))
    with pytest.raises(ConfigError, match="no such jar"):
        check(meteor=str(tmp_path / "none.jar"))
    assert "no such jar" in scored(family(meteor=str(tmp_path / "none.jar")))[1]["meteor"]


def test_rules_name_the_models_by_their_weights(sentence_model, detector, tmp_path):
    import shutil

    def rules(**given):
        return {name: info.rule for name, info in family(**{k: str(v) for k, v in given.items()}).metrics.items()}

    plain, held = rules(), rules(sentences=sentence_model, fluency=detector)
    assert "no-model" in plain["sbert_sim"] and plain["cider_d"] == held["cider_d"]
    assert ":tiny@" in held["sbert_sim"] and held["fense"].count("tiny@") == 2 and held["spider_fl"].count("tiny@") == 1
    copy = tmp_path / "my model"
    shutil.copytree(sentence_model, copy)
    again = rules(sentences=copy)["sbert_sim"]
    assert ":my-model@" in again and again.split("@")[1] == held["sbert_sim"].split("@")[1]
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    assert rules(sentences=copy)["sbert_sim"] != again
