"""From a YAML file to a validated campaign, with errors that point at the line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchbed.campaigns.model import Campaign, CampaignModel, CampaignSuite
from benchbed.errors import ConfigError, did_you_mean
from benchbed.suite.marks import Mark, Place, read_yaml


@dataclass(frozen=True)
class LoadedCampaign:
    """A campaign and where each part was written.

    Attributes
    ----------
    campaign : Campaign
    path : Path
        Its file; suites, adapters and data are looked for from its folder.
    marks : dict
        Place of every value.
    """

    campaign: Campaign
    path: Path
    marks: dict[Place, Mark]

    def where(self, *place: str | int) -> str:
        """Where a value was written; the nearest parent if it was left to its default."""
        known = (place[:end] for end in range(len(place), -1, -1))
        return str(next((self.marks[one] for one in known if one in self.marks), Mark(str(self.path))))

    def found(self, name: str) -> str:
        """A file as it is named in the campaign: from its folder if it lies there, else as it stands."""
        beside = self.path.parent / Path(name).expanduser()
        return str(beside) if beside.exists() else name


def load_campaign(path: Path) -> LoadedCampaign:
    """Read a campaign.

    Raises
    ------
    ConfigError
        With file:line:column, and where a key is near, a suggestion.
    """
    from pydantic import ValidationError

    data, marks = read_yaml(path)
    try:
        campaign = Campaign.model_validate(data)
    except ValidationError as error:
        # A misspelt key is also a missing one, and says more.
        faults = sorted(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
        raise _located(faults[0], marks, path) from error
    loaded = LoadedCampaign(campaign, path, marks)
    _told_apart(loaded)
    return loaded


def _told_apart(loaded: LoadedCampaign) -> None:
    """Refuse models that nobody could tell apart, and models for suites that are not there."""
    campaign = loaded.campaign
    names = Counter(model_name(model) for model in campaign.models)
    suites = [suite_name(suite) for suite in campaign.suites]
    for index, model in enumerate(campaign.models):
        name = model_name(model)
        if names[name] > 1:
            raise ConfigError(
                f"{names[name]} models are called '{name}'",
                where=loaded.where("models", index),
                hint="give each a name of its own: {adapter: FILE, name: NAME}",
            )
        for number, one in enumerate(model.only):
            if one not in suites:
                raise ConfigError(
                    f"the campaign has no suite '{one}'",
                    where=loaded.where("models", index, "only", number),
                    hint=did_you_mean(one, suites) or f"its suites: {', '.join(suites)}",
                )
    for index, suite in enumerate(suites):
        if suites.index(suite) != index:
            raise ConfigError(
                f"the suite {suite} stands twice", where=loaded.where("suites", index), hint="one run has one result"
            )


def model_name(model: CampaignModel) -> str:
    """What a model is called in a campaign: its name, or that of its adapter's file."""
    return model.name or Path(model.adapter).stem


def suite_name(suite: CampaignSuite) -> str:
    """What a suite is called in a campaign: the name of its file."""
    return Path(suite.suite).stem


def _located(item: Any, marks: dict[Place, Mark], path: Path) -> ConfigError:
    place = tuple(part for part in item["loc"])
    near = next((marks[place[:n]] for n in range(len(place), -1, -1) if place[:n] in marks), Mark(str(path)))
    name = ".".join(str(part) for part in place) or "the file"
    if item["type"] == "extra_forbidden":
        parts: dict[str, list[str]] = {
            "suites": list(CampaignSuite.model_fields),
            "models": list(CampaignModel.model_fields),
        }
        known = parts[str(place[0])] if len(place) > 1 and place[0] in parts else list(Campaign.model_fields)
        hint = did_you_mean(str(place[-1]), known) or f"known here: {', '.join(known)}"
        return ConfigError(f"unknown key '{place[-1]}'", where=str(near), hint=hint)
    if item["type"] == "missing":
        return ConfigError(f"the key '{name}' is missing", where=str(near), hint=f"add `{place[-1]}:`")
    return ConfigError(f"{name}: {item['msg']}", where=str(near))
