"""PyTorch's side of `npm run bench -- gpu`: the same Llama, tokens and step in bf16, eager and compiled.

Master weights are f32, products run under autocast in bf16, attention is PyTorch's fused one, AdamW is fused: what a careful
PyTorch user would write. Reads the size as JSON from argv[1]; prints one line of JSON, {"absent": reason} where it cannot run.
"""

import json
import sys
import time


def main() -> dict:
    size = json.loads(sys.argv[1])
    try:
        import torch
    except ImportError as error:
        return {"absent": f"python3 has no torch: {error}"}
    device = size.get("device", "cuda")
    if device == "cuda" and not torch.cuda.is_available():
        return {"absent": f"torch {torch.__version__} sees no CUDA device"}
    import torch.nn as nn
    import torch.nn.functional as F

    c = size["config"]
    hidden, heads, head_dim, kv_heads = c["hiddenSize"], c["numHeads"], c["headDim"], c["numKvHeads"]
    tokens, sequences, steps = size["sequenceTokens"], size["sequences"], size["steps"]
    torch.manual_seed(1)
    torch.set_float32_matmul_precision("high")

    class RMSNorm(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(hidden))

        def forward(self, x):
            return F.rms_norm(x, (hidden,), self.weight, c["rmsNormEps"])

    def rotate(x, cos, sin):
        a, b = x.chunk(2, dim=-1)
        return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)

    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention_norm, self.mlp_norm = RMSNorm(), RMSNorm()
            self.q = nn.Linear(hidden, heads * head_dim, bias=False)
            self.k = nn.Linear(hidden, kv_heads * head_dim, bias=False)
            self.v = nn.Linear(hidden, kv_heads * head_dim, bias=False)
            self.o = nn.Linear(heads * head_dim, hidden, bias=False)
            self.gate = nn.Linear(hidden, c["intermediateSize"], bias=False)
            self.up = nn.Linear(hidden, c["intermediateSize"], bias=False)
            self.down = nn.Linear(c["intermediateSize"], hidden, bias=False)

        def forward(self, x, cos, sin):
            batch, length, _ = x.shape
            n = self.attention_norm(x)
            q = rotate(self.q(n).view(batch, length, heads, head_dim).transpose(1, 2), cos, sin)
            k = rotate(self.k(n).view(batch, length, kv_heads, head_dim).transpose(1, 2), cos, sin)
            v = self.v(n).view(batch, length, kv_heads, head_dim).transpose(1, 2)
            y = F.scaled_dot_product_attention(q.to(v.dtype), k.to(v.dtype), v, is_causal=True, enable_gqa=heads != kv_heads)
            x = x + self.o(y.transpose(1, 2).reshape(batch, length, heads * head_dim))
            n = self.mlp_norm(x)
            return x + self.down(F.silu(self.gate(n)) * self.up(n))

    class Llama(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(c["vocabSize"], hidden)
            self.layers = nn.ModuleList(Layer() for _ in range(c["numLayers"]))
            self.norm = RMSNorm()
            frequency = c["ropeTheta"] ** (-torch.arange(0, head_dim, 2).float() / head_dim)
            angle = torch.outer(torch.arange(tokens).float(), frequency)
            self.register_buffer("cos", angle.cos(), persistent=False)
            self.register_buffer("sin", angle.sin(), persistent=False)
            for p in self.parameters():
                if p.dim() > 1:
                    nn.init.normal_(p, std=0.02)

        def forward(self, ids):
            x = self.embedding(ids)
            for layer in self.layers:
                x = layer(x, self.cos, self.sin)
            logits = F.linear(self.norm(x), self.embedding.weight)
            return F.cross_entropy(logits[:, :-1].flatten(0, 1).float(), ids[:, 1:].flatten())

    def wait():
        if device == "cuda":
            torch.cuda.synchronize()

    def run(compiled: bool) -> dict:
        torch.manual_seed(1)
        model = Llama().to(device)
        parameters = sum(p.numel() for p in model.parameters())
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=device == "cuda")
        step_model = torch.compile(model) if compiled else model
        micro = size["microBatchSequences"]
        ids = torch.randint(0, c["vocabSize"], (sequences, tokens), device=device)
        times, loss_value = [], 0.0
        for n in range(steps + 3):
            wait()
            started = time.perf_counter()
            optimizer.zero_grad(set_to_none=True)
            for part in ids.split(micro):
                with torch.autocast(device, dtype=torch.bfloat16):
                    loss = step_model(part) * (part.shape[0] / sequences)
                loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            loss_value = loss.item()
            wait()
            if n >= 3:
                times.append((time.perf_counter() - started) * 1000)
        times.sort()
        median = times[len(times) // 2]
        return {
            "parameters": parameters,
            "stepMs": times,
            "tokensPerSecond": sequences * tokens / (median / 1000),
            "loss": loss_value,
        }

    def product(side: int) -> float:
        a = torch.randn(side, side, device=device, dtype=torch.bfloat16)
        for _ in range(5):
            a @ a
        wait()
        started = time.perf_counter()
        for _ in range(20):
            a @ a
        wait()
        return 20 * 2 * side**3 / (time.perf_counter() - started) / 1e12

    out = {"torch": torch.__version__, "device": torch.cuda.get_device_name() if device == "cuda" else "cpu"}
    out["productTflops"] = product(8192 if device == "cuda" else 512)
    out["eager"] = run(False)
    try:
        out["compiled"] = run(True)
    except Exception as error:  # what a compiler may raise is not bounded; eager's figures stand
        out["compiled"] = {"absent": str(error).splitlines()[0][:300]}
    return out


print(json.dumps(main()))
