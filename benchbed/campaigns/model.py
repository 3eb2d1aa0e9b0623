"""What a campaign file may say."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CampaignSuite(_Strict):
    """A suite of a campaign; its name or file alone stands for one without changes."""

    suite: Text
    """File or name of the suite."""
    set: dict[str, Any] = Field(default_factory=dict)
    """Dotted place in the suite → new value, as `--set suite.PLACE=VALUE`."""
    limit: int | None = Field(default=None, ge=1)
    """Score at most so many clips per split."""


class CampaignModel(_Strict):
    """A model of a campaign; its adapter alone stands for one without options."""

    adapter: Text
    """The adapter, as `--model` takes it."""
    name: str = ""
    """What it is called; needed where one adapter stands several times."""
    set: dict[str, Any] = Field(default_factory=dict)
    """Options of the model."""
    only: list[Text] = Field(default_factory=list)
    """Names of suites that it runs on; all of the campaign where none is given."""


class Campaign(_Strict):
    """A campaign: every model on every suite.

    Examples
    --------
    >>> asked = Campaign(name="n", suites=["esc10"], models=["cnn", {"adapter": "cnn", "name": "wide"}])
    >>> [suite.suite for suite in asked.suites], [model.name for model in asked.models]
    (['esc10'], ['', 'wide'])
    """

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.-]{0,79}$")]
    """Name of the campaign: of the file that says how far it is."""
    suites: list[CampaignSuite] = Field(min_length=1)
    models: list[CampaignModel] = Field(min_length=1)
    data: dict[str, Text] = Field(default_factory=dict)
    """Dataset → folder, as `--data`."""
    device: str = "auto"
    corruptions: Literal["auto", "host", "device", "spectrum"] = "auto"
    """Where corruptions are made, as `--corruptions`."""
    batch_size: int = Field(default=16, ge=1)
    threads: int = Field(default=1, ge=1)
    limit: int | None = Field(default=None, ge=1)
    seed: int = 0
    fail_on_error: str = "0.01"
    synthetic: bool = True
    """Whether the synthetic set may stand in for a dataset that is not configured."""
    trust_checkpoint: bool = False

    @field_validator("suites", mode="before")
    @classmethod
    def _suites(cls, given: Any) -> Any:
        return _spelt_out(given, "suite")

    @field_validator("models", mode="before")
    @classmethod
    def _models(cls, given: Any) -> Any:
        return (
            [{"adapter": one} if isinstance(one, str) else one for one in given] if isinstance(given, list) else given
        )

    @field_validator("fail_on_error", mode="before")
    @classmethod
    def _policy(cls, given: Any) -> Any:
        return str(given).lower() if isinstance(given, bool | int | float) else given


def _spelt_out(given: Any, key: str) -> Any:
    """A list in which a text alone stands for a mapping with one key."""
    return [{key: one} if isinstance(one, str) else one for one in given] if isinstance(given, list) else given
