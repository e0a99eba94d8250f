"""Makes a small Whisper model with random weights, and listens with it through the real package.

    python -m tests.audio.whisper_model

Shows that loading and listening work where no model is at hand: such a model understands nothing,
so the utterance must come back rejected. It needs `pip install "pygame-troupe[whisper]"`.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs import WhisperSpec
from faster_whisper.tokenizer import _LANGUAGE_CODES
from tokenizers import AddedToken, Tokenizer, models

from characters.speech.factory import make_speech
from characters.speech.interfaces import Rejected
from characters.speech.settings import SpeechSettings
from tests.audio.corpus import in_a_room, listen, say

WIDTH, LAYERS, WORDS, MELS = 64, 2, 51_865, 80
LANGUAGES = tuple(f"<|{code}|>" for code in _LANGUAGE_CODES[:99])
SPECIAL = (
    *("<|endoftext|>", "<|startoftranscript|>", *LANGUAGES, "<|translate|>", "<|transcribe|>"),
    *("<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"),
)
FEATURES = {
    "feature_size": MELS,
    "sampling_rate": 16_000,
    "hop_length": 160,
    "n_fft": 400,
    "chunk_length": 30,
}


class Weights:
    """Fills the parts of a model with small random numbers."""

    def __init__(self) -> None:
        self._chance = np.random.default_rng(0)

    def some(self, *shape: int) -> Any:
        """Return random weights."""
        return (self._chance.standard_normal(shape) * 0.05).astype(np.float32)

    def line(self, layer: Any, size: int, inputs: int) -> None:
        """Fill a linear layer or a convolution."""
        layer.weight, layer.bias = self.some(size, inputs), self.some(size)

    def norm(self, layer: Any) -> None:
        """Fill a layer's normalisation."""
        layer.gamma, layer.beta = np.ones(WIDTH, np.float32), self.some(WIDTH)

    def attention(self, layer: Any, *sizes: int) -> None:
        """Fill an attention."""
        for number, size in enumerate(sizes):
            self.line(layer.linear[number], size * WIDTH, WIDTH)
        self.norm(layer.layer_norm)

    def feed_forward(self, layer: Any) -> None:
        """Fill what follows an attention."""
        self.line(layer.linear_0, 4 * WIDTH, WIDTH)
        self.line(layer.linear_1, WIDTH, 4 * WIDTH)
        self.norm(layer.layer_norm)


def make_model(folder: Path) -> None:
    """Write a model for faster-whisper that understands nothing."""
    spec, weights = WhisperSpec(LAYERS, 2, LAYERS, 2), Weights()
    encoder, decoder = spec.encoder, spec.decoder
    encoder.conv1.weight, encoder.conv1.bias = weights.some(WIDTH, MELS, 3), weights.some(WIDTH)
    encoder.conv2.weight, encoder.conv2.bias = weights.some(WIDTH, WIDTH, 3), weights.some(WIDTH)
    encoder.position_encodings.encodings = weights.some(1500, WIDTH)
    weights.norm(encoder.layer_norm)
    for layer in encoder.layer:
        weights.attention(layer.self_attention, 3, 1)
        weights.feed_forward(layer.ffn)
    decoder.embeddings.weight = decoder.projection.weight = weights.some(WORDS, WIDTH)
    decoder.position_encodings.encodings = weights.some(448, WIDTH)
    decoder.scale_embeddings = False
    weights.norm(decoder.layer_norm)
    for layer in decoder.layer:
        weights.attention(layer.self_attention, 3, 1)
        weights.attention(layer.attention, 1, 2, 1)
        weights.feed_forward(layer.ffn)
    write(spec, folder)


def write(spec: Any, folder: Path) -> None:
    """Write the model with its words and what is to be done with sound."""
    words = [f"t{number}" for number in range(50_257)] + list(SPECIAL)
    words += [f"<|{number * 0.02:.2f}|>" for number in range(WORDS - len(words))]
    spec.config.suppress_ids = spec.config.suppress_ids_begin = []
    spec.config.lang_ids = list(range(50_259, 50_358))
    spec.config.alignment_heads = [(0, 0)]
    spec.register_vocabulary(words)
    spec.validate()
    spec.optimize()
    spec.save(str(folder))
    ids = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token="t0"))
    tokenizer.add_special_tokens([AddedToken(word, special=True) for word in words[50_257:]])
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "preprocessor_config.json").write_text(json.dumps(FEATURES))


async def hear(folder: Path) -> list[object]:
    """Speak a sentence to a service that recognises with the model in a folder."""
    speech = make_speech(SpeechSettings(whisper_folder=str(folder)), speak=False)
    assert not speech.problems, speech.problems
    listener = speech.listen(())
    sound = say("espeak-ng en-us", "how are you feeling today", folder)
    heard = await listen(listener, in_a_room(sound, None, np.random.default_rng(1)))
    await listener.close()
    await speech.close()
    return list(heard)


def main() -> None:
    """Make a model, listen with it, and say what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        make_model(Path(folder))
        heard = asyncio.run(hear(Path(folder)))
    assert len(heard) == 1 and isinstance(heard[0], Rejected), "random weights understand nothing"
    print("The real package loaded a model, listened, and rejected the utterance.")


if __name__ == "__main__":
    main()
