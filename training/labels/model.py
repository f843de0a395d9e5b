"""The classifier itself: LiLT (Wang et al., 2022: a text stream and a layout stream that share their
attention), small and from random weights, or around a pretrained text model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from giar_ml.errors import UsageError
from giar_ml.label.encode import MAX_COORDINATE
from training.labels.config import misfit

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import LiltForTokenClassification

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")


def character_tokenizer(characters: Iterable[str]) -> Tokenizer:
    """One piece per character; spaces are none. Width variants and capitals are one."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    pieces = dict.fromkeys((*SPECIAL, *characters))
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Lowercase(), normalizers.Replace(Regex(r"\s"), "")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    return tokenizer


def new_model(
    tokenizer: Tokenizer,
    labels: Sequence[str],
    *,
    hidden: int,
    layers: int,
    heads: int,
    shrink: int,
    dropout: float,
    window: int,
) -> LiltForTokenClassification:
    """From random weights.

    Args:
        shrink: the layout stream is this many times narrower than the text stream.
    """
    from transformers import LiltConfig, LiltForTokenClassification

    config = LiltConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * hidden,
        channel_shrink_ratio=shrink,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=0.0,  # drawing it takes a processor longer than all the rest
        max_2d_position_embeddings=MAX_COORDINATE + 24,
        # Positions are counted from behind the padding piece; a padded window may be longer.
        max_position_embeddings=window + 66,
        pad_token_id=SPECIAL.index("<pad>"),
        bos_token_id=SPECIAL.index("<s>"),
        eos_token_id=SPECIAL.index("</s>"),
        type_vocab_size=1,
        **_label_maps(labels),
    )
    return LiltForTokenClassification(config)


def from_text_model(
    folder: Path, labels: Sequence[str], *, shrink: int, window: int
) -> LiltForTokenClassification:
    """Around a BERT or RoBERTa model in `folder`: its weights are the text stream, the layout stream is new.

    Raises:
        UsageError: no such model there, or it does not fit.
    """
    import torch
    from transformers import AutoConfig, AutoModel, LiltConfig, LiltForTokenClassification

    try:
        text_config = AutoConfig.from_pretrained(folder, local_files_only=True)
        kind = text_config.model_type
        if kind not in ("bert", "roberta", "xlm-roberta"):
            raise UsageError(f"{folder}: a {kind} model; give a BERT or RoBERTa one")
        text = AutoModel.from_pretrained(folder, local_files_only=True, add_pooling_layer=False)
    except UsageError:
        raise
    except Exception as error:  # the libraries raise bare exceptions for damaged files
        raise UsageError(
            f"{folder}: no text model that transformers can load ({_first_line(error)})"
        ) from error
    if problem := misfit(text_config.hidden_size, text_config.num_attention_heads, shrink):
        raise UsageError(f"{folder}: {problem}")
    # BERT counts positions from 0, LiLT from behind the padding piece as RoBERTa does.
    offset = 0 if kind != "bert" else text_config.pad_token_id + 1
    room = text_config.max_position_embeddings + offset - text_config.pad_token_id - 1
    if window > room:
        raise UsageError(f"{folder}: window = {window} must be at most {room}, as this model has positions")
    config = LiltConfig(
        vocab_size=text_config.vocab_size,
        hidden_size=text_config.hidden_size,
        num_hidden_layers=text_config.num_hidden_layers,
        num_attention_heads=text_config.num_attention_heads,
        intermediate_size=text_config.intermediate_size,
        channel_shrink_ratio=shrink,
        hidden_act=text_config.hidden_act,
        hidden_dropout_prob=text_config.hidden_dropout_prob,
        attention_probs_dropout_prob=text_config.attention_probs_dropout_prob,
        layer_norm_eps=text_config.layer_norm_eps,
        max_2d_position_embeddings=MAX_COORDINATE + 24,
        max_position_embeddings=text_config.max_position_embeddings + offset,
        pad_token_id=text_config.pad_token_id,
        type_vocab_size=text_config.type_vocab_size,
        **_label_maps(labels),
    )
    model = LiltForTokenClassification(config)
    weights = text.state_dict()
    positions = "embeddings.position_embeddings.weight"
    if offset:
        weights[positions] = torch.cat([weights[positions][:1].repeat(offset, 1), weights[positions]])
    missing, unexpected = model.lilt.load_state_dict(weights, strict=False)
    strange = [name for name in unexpected if "position_ids" not in name and not name.startswith("pooler")]
    lost = [name for name in missing if "layout" not in name and "pooler" not in name and "box" not in name]
    if strange or lost:
        raise UsageError(f"{folder}: its weights do not fit a BERT or RoBERTa model: {(strange + lost)[:3]}")
    return model


def _label_maps(labels: Sequence[str]) -> dict[str, Any]:
    return {
        "num_labels": len(labels),
        "id2label": dict(enumerate(labels)),
        "label2id": {label: i for i, label in enumerate(labels)},
    }


def text_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of a pretrained text model, which needs its `tokenizer.json` or what makes it."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        return tokenizer.backend_tokenizer
    except Exception as error:  # the libraries raise bare exceptions for damaged files
        raise UsageError(
            f"{folder}: no tokenizer that transformers can load ({_first_line(error)})"
        ) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
