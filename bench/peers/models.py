"""The models that are measured, made when first wanted: one set of random weights in every engine's format."""

import functools

import settings

# kerf's --quantization → llama.cpp's type. --pure: embedding and output matrix too, which llama.cpp would else leave
# at 6 bits in Q4_0. kerf's own are less compressed: int8 for the output matrix, bf16 for the embedding.
GGUF_TYPE = {"none": "bf16", "int8": "Q8_0", "int4": "Q4_0"}
MAX_POSITIONS = 16384  # so that 8 k tokens of context fit


def make(path, *command):
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        settings.output_of(command, prefix=())
    return path


@functools.cache
def random_model():
    """1.1 B parameters, TinyLlama's shape: a Hugging Face directory."""
    folder = settings.MODELS / "1.1b"
    make(folder / "config.json", settings.ROOT / "tools/make_random_model.py", "--max-positions", MAX_POSITIONS, "1.1b",
         folder)
    return folder


@functools.cache
def gguf(source, quantization, pure=True):
    """`source`, a Hugging Face directory, as llama.cpp's file."""
    plain = make(settings.MODELS / f"{source.name}-bf16.gguf", settings.ROOT / "tools/make_gguf.py", source,
                 settings.MODELS / f"{source.name}-bf16.gguf")
    if quantization == "none":
        return plain
    kind = GGUF_TYPE[quantization]
    target = settings.MODELS / f"{source.name}-{kind}{'' if pure else '-mixed'}.gguf"
    return make(target, settings.llama_cpp("llama-quantize"), *(["--pure"] if pure else []), plain, target, kind)


@functools.cache
def dllama():
    """distributed-llama's (model, tokenizer), of the matrices of llama.cpp's Q4_0."""
    model, tokenizer = settings.MODELS / "1.1b-q40.m", settings.MODELS / "1.1b-q40.t"
    make(model, settings.ROOT / "tools/make_dllama.py", gguf(random_model(), "none"), gguf(random_model(), "int4"), model,
         tokenizer)
    return model, tokenizer
