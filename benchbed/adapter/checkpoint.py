"""Weights from files that nobody vouched for: read without running code, fitted without leaving anything out.

A checkpoint that fits only in part would give a model that runs and scores badly, the quietest of all faults; so it is
refused, with the names that do not fit.
"""

from __future__ import annotations

import contextlib
import contextvars
import fnmatch
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbed.adapter.weightfile import existing_file, pickled_names, recognise, safetensors_header, truncated
from benchbed.errors import CheckpointError, did_you_mean

if TYPE_CHECKING:
    import torch

#: Environment variable that carries `--trust-checkpoint` into worker processes.
TRUST_VARIABLE = "BENCHBED_TRUST_CHECKPOINT"

_trust: contextvars.ContextVar[bool | None] = contextvars.ContextVar("benchbed_trust_checkpoint", default=None)


@contextlib.contextmanager
def trusting(flag: bool = True) -> Iterator[None]:
    """Inside the block, checkpoints that need code to load may be loaded (`--trust-checkpoint`).

    Examples
    --------
    >>> with trusting():
    ...     trusted()
    True
    """
    token = _trust.set(flag)
    try:
        yield
    finally:
        _trust.reset(token)


def trusted() -> bool:
    """Whether the user vouched for the checkpoints: by `trusting()`, else by `BENCHBED_TRUST_CHECKPOINT=1`."""
    explicit = _trust.get()
    return os.environ.get(TRUST_VARIABLE, "") == "1" if explicit is None else explicit


def load_state_dict(
    path: str | Path, *, key: str | None = None, trust: bool | None = None, endings: Sequence[str] = ()
) -> dict[str, torch.Tensor]:
    """Named tensors of a checkpoint, on the CPU.

    Reads safetensors, and torch files with `weights_only=True`. Training scripts often wrap the state dict
    (`{"state_dict": …, "epoch": …}`); the only entry that holds named tensors is taken.

    Parameters
    ----------
    path : str or Path
        The file.
    key : str, optional
        Entry to take where a checkpoint holds several state dicts, e.g. `ema`.
    trust : bool, optional
        Load a pickle that runs code. None asks `trusted()`.
    endings : sequence of str
        Endings of other formats that the authors of these weights are known to give to torch files, such as `.h5`.

    Raises
    ------
    CheckpointError
        Missing, empty, truncated or another kind of file; code needed to load it; no or several state dicts in it;
        weights that are not finite.

    Examples
    --------
    >>> import tempfile, safetensors.torch, torch
    >>> file = Path(tempfile.mkdtemp()) / "net.safetensors"
    >>> safetensors.torch.save_file({"weight": torch.ones(2)}, file)
    >>> load_state_dict(file)
    {'weight': tensor([1., 1.])}
    """
    path = existing_file(Path(path).expanduser())
    kind = recognise(path)
    if kind == "safetensors":
        state = _pick(_read_safetensors(path), key, path)
    else:
        if path.suffix.lower() in {".h5", ".hdf5", ".safetensors", ".onnx", ".tflite"} - set(endings):
            raise CheckpointError(
                f"{path.name} is a torch file, not what its ending {path.suffix} says",
                where=str(path),
                hint=f"make sure it is the file you mean, then rename it to {path.with_suffix('.pt').name}",
            )
        state = _pick(_read_torch(path, trusted() if trust is None else trust), key, path)
    broken = [name for name, tensor in state.items() if tensor.is_floating_point() and not tensor.isfinite().all()]
    if broken:
        raise CheckpointError(
            f"{path.name} holds weights that are NaN or infinite: {_listing(broken)}",
            where=str(path),
            hint="the training diverged or the file is damaged; use an earlier checkpoint",
        )
    return state


def fit_state_dict(
    model: torch.nn.Module,
    state: Mapping[str, torch.Tensor],
    *,
    prefixes: Sequence[str] = ("module.", "model.", "net."),
    ignore: Sequence[str] = (),
    where: str | None = None,
) -> None:
    """Put `state` into `model`; every weight must find its place.

    Parameters
    ----------
    model : torch.nn.Module
        The network to fill.
    state : mapping of str to Tensor
        Named tensors.
    prefixes : sequence of str
        Wrapper names taken off the front of a name that the model does not know as it stands.
    ignore : sequence of str
        Patterns (`head.*`) of names that may be missing or left over.
    where : str, optional
        Place named in errors, usually the checkpoint.

    Raises
    ------
    CheckpointError
        Missing or unexpected names or different shapes, each with the first few and a count.

    Examples
    --------
    >>> import torch
    >>> net = torch.nn.Linear(1, 1, bias=False)
    >>> fit_state_dict(net, {"module.weight": torch.full((1, 1), 2.0)})
    >>> net.weight.item()
    2.0
    """
    wanted = model.state_dict()
    given: dict[str, torch.Tensor] = {}
    for name, tensor in state.items():
        short = _stripped(name, prefixes, wanted)
        if short in given:
            raise CheckpointError(f"two weights of the checkpoint would go to {short}", where=where)
        given[short] = tensor

    def ignored(name: str) -> bool:
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in ignore)

    # Checkpoints from before torch 0.4.1 have no batch counter, and evaluation does not use it.
    missing = [n for n in wanted if n not in given and not ignored(n) and not n.endswith("num_batches_tracked")]
    unexpected = [n for n in given if n not in wanted and not ignored(n)]
    reshaped = [n for n in given if n in wanted and given[n].shape != wanted[n].shape and not ignored(n)]
    if missing or unexpected or reshaped:
        shapes = [f"{n}: file {list(given[n].shape)}, model {list(wanted[n].shape)}" for n in reshaped]
        groups = {"missing": missing, "unexpected": unexpected, "other shapes": shapes}
        faults = [f"{len(names)} {what}: {_listing(names)}" for what, names in groups.items() if names]
        raise CheckpointError(
            f"the checkpoint does not fit {type(model).__name__}: " + "; ".join(faults),
            where=where,
            hint=_fit_hint(missing, unexpected, reshaped, given, wanted),
        )
    usable = {n: t for n, t in given.items() if n in wanted and t.shape == wanted[n].shape}
    model.load_state_dict(usable, strict=False)


def read_metadata(path: str | Path) -> dict[str, str]:
    """Text metadata in the header of a safetensors file; empty if it has none.

    Raises
    ------
    CheckpointError
        Not a readable safetensors file.
    """
    path = existing_file(Path(path).expanduser())
    if recognise(path) != "safetensors":
        # What is wrong with the file itself (code in it, another format under a wrong name) comes first.
        load_state_dict(path)
        raise CheckpointError(
            f"{path.name} is a torch file; only safetensors carry metadata",
            where=str(path),
            hint="save the weights as safetensors, with what the adapter asks for in their metadata",
        )
    return {str(k): str(v) for k, v in safetensors_header(path).get("__metadata__", {}).items()}


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    import safetensors
    import safetensors.torch

    safetensors_header(path)
    try:
        return safetensors.torch.load_file(path, device="cpu")
    except safetensors.SafetensorError as error:
        raise CheckpointError(f"{path.name} is a damaged safetensors file: {error}", where=str(path)) from error


def _read_torch(path: Path, trust: bool) -> Any:
    import pickle

    import torch

    globals_ = pickled_names(path)
    try:
        with warnings.catch_warnings():
            # On pickles of a protocol torch does not write, it warns first; what follows is an error or fine.
            warnings.filterwarnings("ignore", "Detected pickle protocol")
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        refusal = error
    except EOFError as error:
        raise truncated(path, "the pickle in it ends early") from error
    except (RuntimeError, ValueError) as error:
        what = f"{path.name} is a damaged or truncated torch file: {_first_line(error)}"
        raise CheckpointError(what, where=str(path), hint="download or copy it again") from error
    # What every torch file names: rebuilding of tensors, storages, the ordered dictionary.
    code = [n for n in globals_ if not n.startswith(("torch._utils.", "collections.")) and not n.endswith("Storage")]
    if not trust:
        named = f" ({_listing(code)})" if code else ""
        raise CheckpointError(
            f"{path.name} is a pickle that runs code when it is loaded{named}, so it was not loaded",
            where=str(path),
            hint="ask for a plain state dict or safetensors; or, if you trust its maker, add --trust-checkpoint",
        ) from refusal
    try:
        return torch.load(path, map_location="cpu", weights_only=False)
    except Exception as error:
        raise CheckpointError(
            f"{path.name} could not be unpickled: {type(error).__name__}: {_first_line(error)}",
            where=str(path),
            hint="the code it was saved with must be importable; a plain state dict has no such need",
        ) from error


def _pick(content: Any, key: str | None, path: Path) -> dict[str, torch.Tensor]:
    import torch

    if isinstance(content, torch.nn.Module):
        return dict(content.state_dict())
    if not isinstance(content, Mapping):
        raise CheckpointError(
            f"{path.name} holds {type(content).__name__}, not named tensors", where=str(path), hint="save a state dict"
        )
    if key is not None:
        if key not in content:
            hint = did_you_mean(key, [str(name) for name in content]) or f"it has: {_listing(list(map(str, content)))}"
            raise CheckpointError(f"{path.name} has no entry '{key}'", where=str(path), hint=hint)
        return _pick(content[key], None, path)
    if _is_state(content):
        return dict(content)
    inner = {str(name): value for name, value in content.items() if _is_state(value)}
    inner.update({str(n): v.state_dict() for n, v in content.items() if isinstance(v, torch.nn.Module)})
    if len(inner) == 1:
        return dict(next(iter(inner.values())))
    if inner:
        raise CheckpointError(
            f"{path.name} holds several state dicts: {_listing(list(inner))}",
            where=str(path),
            hint=f"choose one, e.g. key='{next(iter(inner))}'",
        )
    raise CheckpointError(
        f"{path.name} holds no state dict; its entries are: {_listing([str(name) for name in content])}",
        where=str(path),
        hint="save model.state_dict()",
    )


def _is_state(value: Any) -> bool:
    import torch

    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in value.items())
    )


def _stripped(name: str, prefixes: Sequence[str], wanted: Mapping[str, Any]) -> str:
    short = name
    while short not in wanted:
        prefix = next((p for p in prefixes if short.startswith(p)), None)
        if prefix is None:
            # Nothing of the name is known: it is reported as it stands in the file.
            return name
        short = short[len(prefix) :]
    return short


def _fit_hint(
    missing: list[str], unexpected: list[str], reshaped: list[str], given: Mapping[str, Any], wanted: Mapping[str, Any]
) -> str:
    if reshaped and not missing and not unexpected:
        heads = {(*given[n].shape[:1], *wanted[n].shape[:1]) for n in reshaped}
        if len(heads) == 1 and all(given[n].shape[1:] == wanted[n].shape[1:] for n in reshaped):
            theirs, ours = heads.pop()
            return f"the file has {theirs} outputs where the model has {ours}: is it another class set?"
        return "the file belongs to another size of this architecture"
    if missing and unexpected:
        return "the names differ: another architecture, or a prefix to strip"
    return "the file belongs to another version of this architecture"


def _listing(names: Sequence[str], limit: int = 4) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
