from engine.app.application import FRAME_ORDER as FRAME_ORDER
from engine.app.application import Application as Application
from engine.app.window import Window as Window
from engine.core.clock import (
    Clock as Clock,
)
from engine.core.clock import (
    ManualClock as ManualClock,
)
from engine.core.clock import (
    SystemClock as SystemClock,
)
from engine.core.clock import (
    Time as Time,
)
from engine.core.errors import EngineError as EngineError
from engine.core.events import (
    Dispatcher as Dispatcher,
)
from engine.core.events import (
    Services as Services,
)
from engine.core.events import (
    Signal as Signal,
)
from engine.core.events import (
    Subscription as Subscription,
)
from engine.core.input import DEFAULT_BINDINGS as DEFAULT_BINDINGS
from engine.core.input import Input as Input
from engine.objects.assets import AssetFolder as AssetFolder
from engine.objects.coroutine import Coroutine as Coroutine
from engine.objects.coroutine import CoroutineRunner as CoroutineRunner
from engine.objects.objects import (
    Component as Component,
)
from engine.objects.objects import (
    ComponentError as ComponentError,
)
from engine.objects.objects import (
    GameObject as GameObject,
)
from engine.objects.objects import (
    Transform as Transform,
)
from engine.objects.physics import (
    Box as Box,
)
from engine.objects.physics import (
    BoxCollider as BoxCollider,
)
from engine.objects.physics import (
    Camera as Camera,
)
from engine.objects.physics import (
    Slide as Slide,
)
from engine.objects.physics import (
    move_and_slide as move_and_slide,
)
from engine.objects.registry import ComponentRegistry as ComponentRegistry
from engine.objects.scene import Scene as Scene
from engine.objects.scene import WrongThreadError as WrongThreadError
from engine.prefs.format import MAX_TOTAL_BYTES as MAX_TOTAL_BYTES
from engine.prefs.prefs import (
    PlayerPrefs as PlayerPrefs,
)
from engine.prefs.prefs import (
    PrefsError as PrefsError,
)
from engine.prefs.prefs import (
    PrefsLockedError as PrefsLockedError,
)
from engine.scenes.file import SceneFile as SceneFile
from engine.scenes.manager import (
    Opener as Opener,
)
from engine.scenes.manager import (
    SceneLoad as SceneLoad,
)
from engine.scenes.manager import (
    SceneManager as SceneManager,
)
from engine.scenes.manager import (
    SceneSteps as SceneSteps,
)
from engine.toml.reader import (
    Fix as Fix,
)
from engine.toml.reader import (
    Problem as Problem,
)
from engine.toml.reader import (
    TomlFileError as TomlFileError,
)
from engine.toml.reader import (
    TomlSource as TomlSource,
)
from engine.toml.reader import (
    parse_toml as parse_toml,
)
from engine.toml.reader import (
    read_source as read_source,
)
from engine.toml.reader import (
    read_toml as read_toml,
)
from engine.ui.events import feed_event as feed_event

__all__: list[str]
