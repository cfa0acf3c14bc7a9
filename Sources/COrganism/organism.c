#include "COrganism.h"

static const unsigned char config[] = {
#embed "checkpoint/config.json"
};
static const unsigned char generation_config[] = {
#embed "checkpoint/generation_config.json"
};
static const unsigned char tokenizer[] = {
#embed "checkpoint/tokenizer.json"
};
static const unsigned char tokenizer_config[] = {
#embed "checkpoint/tokenizer_config.json"
};
_Alignas(64) static const unsigned char model[] = {
#embed "checkpoint/model.safetensors"
};

static const struct organism_file files[] = {
    {"config.json", config, sizeof config},
    {"generation_config.json", generation_config, sizeof generation_config},
    {"tokenizer.json", tokenizer, sizeof tokenizer},
    {"tokenizer_config.json", tokenizer_config, sizeof tokenizer_config},
    {"model.safetensors", model, sizeof model},
};

ptrdiff_t organism_file_count(void) { return sizeof files / sizeof files[0]; }

struct organism_file organism_file(ptrdiff_t index) { return files[index]; }
