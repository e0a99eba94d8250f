from characters.client.config import (
    CharacterEvent as CharacterEvent,
)
from characters.client.config import (
    MessageRefused as MessageRefused,
)
from characters.client.config import (
    SessionConfig as SessionConfig,
)
from characters.client.config import (
    TextRefused as TextRefused,
)
from characters.client.config import (
    TranscriptChanged as TranscriptChanged,
)
from characters.client.handle import SessionHandle as SessionHandle
from characters.client.runtime import (
    Runtime as Runtime,
)
from characters.client.runtime import (
    RuntimeBuilder as RuntimeBuilder,
)
from characters.client.runtime import (
    RuntimeParts as RuntimeParts,
)
from characters.client.service_process import (
    ServiceError as ServiceError,
)
from characters.client.service_process import (
    ServiceProcess as ServiceProcess,
)
from characters.client.voice_input import (
    VoiceInput as VoiceInput,
)
from characters.client.voice_input import (
    VoiceInputStatus as VoiceInputStatus,
)
from characters.components.character import (
    Character as Character,
)
from characters.components.character import (
    ConnectMode as ConnectMode,
)
from characters.components.character import (
    LevelPolicy as LevelPolicy,
)
from characters.components.checks import (
    SCENE_CHECKS as SCENE_CHECKS,
)
from characters.components.checks import (
    one_manager as one_manager,
)
from characters.components.checks import (
    one_session_each as one_session_each,
)
from characters.components.faults import (
    Faults as Faults,
)
from characters.components.faults import (
    ServiceControl as ServiceControl,
)
from characters.components.faults import (
    Task as Task,
)
from characters.components.manager import CharacterManager as CharacterManager
from characters.components.parts import (
    Parts as Parts,
)
from characters.components.parts import (
    make_parts as make_parts,
)
from characters.components.parts import (
    parts_for as parts_for,
)
from characters.components.player import (
    FAULT_BINDINGS as FAULT_BINDINGS,
)
from characters.components.player import (
    PLAYER_BINDINGS as PLAYER_BINDINGS,
)
from characters.components.player import (
    Door as Door,
)
from characters.components.player import (
    FaultKeys as FaultKeys,
)
from characters.components.player import (
    NextVisitor as NextVisitor,
)
from characters.components.player import (
    Player as Player,
)
from characters.components.player import (
    SpawnPoint as SpawnPoint,
)
from characters.components.player import (
    find_path as find_path,
)
from characters.components.registration import register_components as register_components
from characters.components.relays import (
    CharacterEventRelay as CharacterEventRelay,
)
from characters.components.relays import (
    EventRelay as EventRelay,
)
from characters.components.relays import (
    SessionEventRelay as SessionEventRelay,
)
from characters.components.relays import (
    TranscriptEventRelay as TranscriptEventRelay,
)
from characters.protocol.messages import RespondMode as RespondMode
from characters.protocol.turn_settings import (
    BargeIn as BargeIn,
)
from characters.protocol.turn_settings import (
    ListeningMode as ListeningMode,
)
from characters.protocol.turn_settings import (
    PushToTalkOptions as PushToTalkOptions,
)
from characters.protocol.turn_settings import (
    SmartTurn as SmartTurn,
)
from characters.protocol.turn_settings import (
    Startup as Startup,
)
from characters.protocol.turn_settings import (
    TurnSettings as TurnSettings,
)
from characters.protocol.turn_settings import (
    VoiceActivityOptions as VoiceActivityOptions,
)
from characters.session.conversation import (
    FreshReason as FreshReason,
)
from characters.session.conversation import (
    MicrophoneView as MicrophoneView,
)
from characters.session.conversation import (
    Resume as Resume,
)
from characters.session.conversation import (
    ResumeOutcome as ResumeOutcome,
)
from characters.session.conversation import (
    RetryScheduled as RetryScheduled,
)
from characters.session.conversation import (
    SessionRecord as SessionRecord,
)
from characters.session.conversation import (
    SessionState as SessionState,
)
from characters.session.conversation import (
    SessionStateChanged as SessionStateChanged,
)
from characters.session.conversation import (
    SessionView as SessionView,
)
from characters.session.conversation import (
    shorten_id as shorten_id,
)
from characters.session.policy import (
    IdlePolicy as IdlePolicy,
)
from characters.session.policy import (
    Persist as Persist,
)
from characters.session.policy import (
    ReconnectPolicy as ReconnectPolicy,
)
from characters.session.policy import (
    ResumePolicy as ResumePolicy,
)
from characters.session.targeting import TargetingMode as TargetingMode
from characters.speech.settings import (
    SpeechDetector as SpeechDetector,
)
from characters.speech.settings import (
    SpeechSettings as SpeechSettings,
)
from characters.storage.extras import EncryptedStore as EncryptedStore
from characters.storage.extras import SQLiteStore as SQLiteStore
from characters.storage.sessions import (
    KeyValueSessionPersistence as KeyValueSessionPersistence,
)
from characters.storage.sessions import (
    KeyValueStore as KeyValueStore,
)
from characters.storage.sessions import (
    ListableStore as ListableStore,
)
from characters.storage.sessions import (
    MemoryStore as MemoryStore,
)
from characters.storage.sessions import (
    PersistenceError as PersistenceError,
)
from characters.storage.sessions import (
    PlayerPrefsStore as PlayerPrefsStore,
)
from characters.storage.sessions import (
    SessionData as SessionData,
)
from characters.storage.sessions import (
    SessionPersistence as SessionPersistence,
)
from characters.ui.hud import Hud as Hud
from characters.ui.registration import register_visuals as register_visuals
from characters.ui.visuals import (
    Backdrop as Backdrop,
)
from characters.ui.visuals import (
    CharacterSprite as CharacterSprite,
)
from characters.ui.visuals import (
    PlayerSprite as PlayerSprite,
)
from characters.ui.visuals import (
    Prop as Prop,
)

__all__: list[str]
