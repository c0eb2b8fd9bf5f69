"""Mean loss of a Llama checkpoint on given tokens, in float64 with numpy alone: what a trained checkpoint is checked against.

    python3 llama_loss.py CHECKPOINT_DIR TOKENS_JSON

CHECKPOINT_DIR holds config.json (keys of transformers 4 or 5) and model.safetensors, single or sharded. TOKENS_JSON holds
{"tokens": [[int]], "labels": [[int]]} of shape (B, T); labels default to the tokens, -100 is left out. Position t predicts
labels[t + 1]. Prints {"loss": float, "targets": int, "sha256": hash of the F32 tensors in ascending name order}.

Written from the definitions in transformers' modeling_llama.py and modeling_rope_utils.py.
"""

import hashlib
import json
import math
import os
import sys

import numpy as np
from safetensors.numpy import load_file


def load_parameters(directory):
    index = os.path.join(directory, "model.safetensors.index.json")
    if not os.path.exists(index):
        return load_file(os.path.join(directory, "model.safetensors"))
    with open(index) as file:
        shards = sorted(set(json.load(file)["weight_map"].values()))
    return {name: tensor for shard in shards for name, tensor in load_file(os.path.join(directory, shard)).items()}


def inverse_frequencies(config, head_dim):
    rope = config.get("rope_parameters") or {}
    theta = rope.get("rope_theta") or config.get("rope_theta") or 10000.0
    scaling = rope if rope else (config.get("rope_scaling") or {})
    kind = scaling.get("rope_type", scaling.get("type", "default"))
    frequency = theta ** (-np.arange(0, head_dim, 2, dtype=np.float64) / head_dim)
    if kind == "default":
        return frequency
    if kind == "linear":
        return frequency / scaling["factor"]
    if kind != "llama3":
        raise SystemExit(f"rope type {kind} is not known")
    # Wavelengths over the old context are stretched, short ones kept, those between interpolated.
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    turns = scaling["original_max_position_embeddings"] * frequency / (2 * math.pi)
    keep = np.clip((turns - low) / (high - low), 0.0, 1.0)
    return frequency * (keep + (1 - keep) / scaling["factor"])


def rms_norm(x, weight, eps):
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + eps) * weight


def rotate(x, cos, sin):
    half = x.shape[-1] // 2
    return x * cos + np.concatenate([-x[..., half:], x[..., :half]], axis=-1) * sin


def forward(p, config, tokens):
    """logits (B, T, V)"""
    batch, length = tokens.shape
    heads = config["num_attention_heads"]
    kv_heads = config.get("num_key_value_heads") or heads
    head_dim = config.get("head_dim") or config["hidden_size"] // heads
    eps = config.get("rms_norm_eps", 1e-6)
    angle = np.arange(length)[:, None] * inverse_frequencies(config, head_dim)[None, :]
    angle = np.concatenate([angle, angle], axis=-1)  # (T, head_dim)
    cos, sin = np.cos(angle), np.sin(angle)
    future = np.triu(np.ones((length, length), dtype=bool), 1)

    def split(x, count):  # (B, T, count * head_dim) -> (B, count, T, head_dim)
        return x.reshape(batch, length, count, head_dim).transpose(0, 2, 1, 3)

    x = p["model.embed_tokens.weight"][tokens]
    for layer in range(config["num_hidden_layers"]):
        w = lambda name: p[f"model.layers.{layer}.{name}.weight"]  # noqa: E731
        h = rms_norm(x, w("input_layernorm"), eps)
        q = rotate(split(h @ w("self_attn.q_proj").T, heads), cos, sin)
        k = rotate(split(h @ w("self_attn.k_proj").T, kv_heads), cos, sin)
        v = split(h @ w("self_attn.v_proj").T, kv_heads)
        k, v = (np.repeat(t, heads // kv_heads, axis=1) for t in (k, v))
        score = np.where(future, -np.inf, q @ k.transpose(0, 1, 3, 2) / math.sqrt(head_dim))
        weight = np.exp(score - score.max(axis=-1, keepdims=True))
        weight /= weight.sum(axis=-1, keepdims=True)
        attended = (weight @ v).transpose(0, 2, 1, 3).reshape(batch, length, heads * head_dim)
        x = x + attended @ w("self_attn.o_proj").T
        h = rms_norm(x, w("post_attention_layernorm"), eps)
        gate = h @ w("mlp.gate_proj").T
        x = x + (gate / (1 + np.exp(-gate)) * (h @ w("mlp.up_proj").T)) @ w("mlp.down_proj").T
    x = rms_norm(x, p["model.norm.weight"], eps)
    head = p["model.embed_tokens.weight"] if config.get("tie_word_embeddings") else p["lm_head.weight"]
    return x @ head.T


def mean_loss(logits, labels):
    targets = labels[:, 1:]
    z = logits[:, :-1] - logits[:, :-1].max(axis=-1, keepdims=True)
    log_probability = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
    counted = targets != -100
    picked = np.take_along_axis(log_probability, np.where(counted, targets, 0)[..., None], axis=-1)[..., 0]
    return float(-picked[counted].mean()), int(counted.sum())


def main(directory, tokens_file):
    with open(os.path.join(directory, "config.json")) as file:
        config = json.load(file)
    with open(tokens_file) as file:
        text = json.load(file)
    tokens = np.array(text["tokens"], dtype=np.int64)
    labels = np.array(text.get("labels", text["tokens"]), dtype=np.int64)
    stored = load_parameters(directory)
    digest = hashlib.sha256()
    for name in sorted(stored):
        digest.update(np.ascontiguousarray(stored[name], dtype="<f4").tobytes())
    logits = forward({name: tensor.astype(np.float64) for name, tensor in stored.items()}, config, tokens)
    loss, targets = mean_loss(logits, labels)
    print(json.dumps({"loss": loss, "targets": targets, "sha256": digest.hexdigest()}))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(sys.argv[1], sys.argv[2])
