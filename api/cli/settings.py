"""The settings of one run of ``corral``: the environment, and what the command line overrides."""

import click

from registry.settings import Settings, read_settings


def settings_of(context: click.Context) -> Settings:
    """Return the settings, with the data directory that was given before the command, if any.

    Raises:
        pydantic.ValidationError: A value is wrong; the message names the field.
    """
    return read_settings(data_dir=context.find_root().params.get("data_dir"))
