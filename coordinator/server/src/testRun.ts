/** A run config for tests of the server: long phases, so that only quorums end them. */
export const TEST_TOML = `
[config]
warmup_time = 5
cooldown_time = 0.01
max_round_train_time = 20
round_witness_time = 20
epoch_time = 240
rounds_per_epoch = 4
total_steps = 1000
init_min_clients = 2
min_clients = 2
witness_nodes = 0
global_batch_size_warmup_tokens = 0
global_batch_size_start = 4
global_batch_size_end = 4
verification_percent = 0
waiting_for_members_extra_time = 0.001

[model.LLM]
max_seq_len = 16
architecture = "HfLlama"
data_type = "Pretraining"
data_location = "Dummy"

[model.LLM.checkpoint.Random]
seed = 7

[model.LLM.checkpoint.Random.config]
model_type = "llama"
vocab_size = 256
hidden_size = 32
intermediate_size = 64
num_hidden_layers = 1
num_attention_heads = 2
num_key_value_heads = 1
rms_norm_eps = 1e-5
rope_theta = 10000.0
max_position_embeddings = 16
tie_word_embeddings = false

[model.LLM.lr_schedule.Constant]
base_lr = 5e-3
warmup_init_lr = 0.0
warmup_steps = 4

[model.LLM.optimizer.Distro]
clip_grad_norm = 1.0
weight_decay = 0.0
compression_decay = 0.95
compression_topk = 8
compression_chunk = 32
quantize_1bit = true
`;
