"""tools/make_gguf.py: what it writes is the checkpoint, read back by the reader of tools/make_dllama.py."""

import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "kerf-tales-7m"
sys.path.insert(0, str(ROOT / "tools"))
sys.dont_write_bytecode = True

import make_dllama  # noqa: E402
import make_gguf  # noqa: E402


def convert(folder, target):
    return subprocess.run([sys.executable, ROOT / "tools/make_gguf.py", folder, target], capture_output=True, text=True,
                          check=False)


class MakeGguf(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        target = pathlib.Path(cls.folder.name) / "model.gguf"
        done = convert(MODEL, target)
        assert done.returncode == 0, done.stderr
        cls.gguf = make_dllama.Gguf(target)
        cls.source = make_gguf.read_checkpoint(MODEL)
        cls.config = json.loads((MODEL / "config.json").read_text())

    @classmethod
    def tearDownClass(cls):
        cls.gguf = cls.source = None
        cls.folder.cleanup()

    def test_every_tensor_is_there_under_ggmls_name(self):
        self.assertEqual(len(self.gguf.tensors), len(self.source))
        self.assertIn("blk.7.ffn_down.weight", self.gguf.tensors)
        self.assertNotIn("output.weight", self.gguf.tensors)  # tied to the embedding

    def test_a_matrix_keeps_its_bytes(self):
        for name, source in (("token_embd", "model.embed_tokens"), ("blk.3.attn_v", "model.layers.3.self_attn.v_proj")):
            self.assertEqual(bytes(self.gguf.of_type(f"{name}.weight", make_dllama.GGML_BF16)),
                             bytes(self.source[f"{source}.weight"].data))

    def test_rotary_pairs_become_neighbours(self):
        written = self.gguf.of_type("blk.0.attn_k.weight", make_dllama.GGML_BF16)
        source = self.source["model.layers.0.self_attn.k_proj.weight"].data
        row = 2 * self.config["hidden_size"]
        head = self.config["hidden_size"] // self.config["num_attention_heads"]
        for at in (0, 1, 5):  # of the second head: dimension `at` and its partner half a head on
            for half in (0, 1):
                new, old = head + 2 * at + half, head + half * head // 2 + at
                self.assertEqual(bytes(written[new * row:(new + 1) * row]), bytes(source[old * row:(old + 1) * row]))

    def test_norms_are_f32_of_the_same_value(self):
        written = self.gguf.of_type("blk.0.attn_norm.weight", make_dllama.GGML_F32)
        source = self.source["model.layers.0.input_layernorm.weight"].data
        (bits,) = struct.unpack_from("<H", source, 2)
        (value,) = struct.unpack_from("<I", written, 4)
        self.assertEqual(value, bits << 16)

    def test_the_tokenizer_comes_along(self):
        facts = self.gguf.facts
        self.assertEqual(len(facts["tokenizer.ggml.tokens"]), self.config["vocab_size"])
        self.assertEqual(facts["tokenizer.ggml.tokens"][0], "<|begin_of_text|>")
        self.assertEqual(facts["tokenizer.ggml.merges"][0], "\u0120 t")
        self.assertTrue(facts["tokenizer.ggml.add_bos_token"])


class Rounding(unittest.TestCase):
    def test_f32_rounds_to_the_nearest_bf16_and_ties_to_even(self):
        cases = {0x3F800000: 0x3F80, 0x3F808000: 0x3F80, 0x3F818000: 0x3F82, 0x3F808001: 0x3F81, 0xBF80C000: 0xBF81,
                 0x7F800000: 0x7F80, 0x7FC00000: 0x7FC0, 0x7F7FFFFF: 0x7F80}
        written = make_gguf.to_bf16(struct.pack(f"<{len(cases)}I", *cases))
        self.assertEqual(list(struct.unpack(f"<{len(cases)}H", written)), list(cases.values()))


class Refusals(unittest.TestCase):
    def test_another_architecture_is_one_sentence(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "config.json").write_text('{"model_type": "gemma2"}')
            done = convert(folder, pathlib.Path(folder) / "x.gguf")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertIn("gemma2", done.stderr)


unittest.main()
