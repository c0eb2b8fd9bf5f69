/** A run that two members of the tests can play in seconds: no data, and times as short as the clock of a cluster allows. */
export const CONFIG = `
[config]
warmup_time = 20
cooldown_time = 1
max_round_train_time = 20
round_witness_time = 10
epoch_time = 600
rounds_per_epoch = 4
total_steps = 1000
init_min_clients = 2
min_clients = 2
witness_nodes = 0
global_batch_size_warmup_tokens = 0
global_batch_size_start = 2
global_batch_size_end = 2
verification_percent = 0
waiting_for_members_extra_time = 1

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
compression_decay = 0.999
compression_topk = 8
compression_chunk = 64
quantize_1bit = true
`;
