"""Mean loss of a checkpoint folder by Hugging Face transformers: transformers_loss.py FOLDER TOKENS.json ((B, T) token ids)."""
import json
import sys

import torch
from transformers import LlamaForCausalLM

model = LlamaForCausalLM.from_pretrained(sys.argv[1], torch_dtype=torch.float32)
with open(sys.argv[2]) as file:
    tokens = torch.tensor(json.load(file))
with torch.no_grad():
    print(float(model(input_ids=tokens, labels=tokens).loss))
