"""Tests of the training tool. Run: /usr/bin/python3 -m unittest discover tools/train"""

from __future__ import annotations

import dataclasses
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

import bpe
import check
import corpus
import export
import train
import windows
import workers
from model import Config, Llama, TokenLoss


class CorpusTest(unittest.TestCase):
    def test_joins_wrapped_prose_and_keeps_verse(self) -> None:
        prose = "It was a dark and stormy night, and the rain fell in torrents\nupon the roofs."
        verse = "Tyger Tyger, burning bright,\nIn the forests of the night;"
        self.assertEqual(corpus.paragraphs(f"{prose}\n\n\n{verse}\n", verse=False), [prose.replace("\n", " "), verse])

    def test_strips_heads_markup_and_boilerplate(self) -> None:
        text = "# Title: T\n\n## Author: A\n\n-------\n## I\n\n_Once_ upon\n\n***\nEnd of Project Gutenberg's T"
        clean = corpus.unmark(corpus.strip_boilerplate(text))
        self.assertEqual(corpus.paragraphs(clean, verse=False), ["I", "Once upon"])

    def test_untabulates_plays(self) -> None:
        text = "\tDRAMATIS PERSONAE\n\nA\ta king.\n\nSCENE\tA hall.\n\nKING JOHN\tNow, say,\n\tmy lord.\n"
        self.assertEqual(
            corpus.paragraphs(corpus.play(text), verse=True), ["SCENE: A hall.", "KING JOHN: Now, say,\nmy lord."]
        )

    def test_held_out_passages_are_not_trained_on(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            lines = [f"Paragraph {i} " + f"speaks of {i} things. " * 30 for i in range(400)]
            Path(folder, "a.txt").write_text("\n\n".join(lines))
            Path(folder, "b.txt").write_text("\n\n".join(lines[::-1]))
            data = corpus.load(Path(folder))
        held_out = {p.strip() for passage in data.held_out for p in passage.split("\n\n")}
        trained = {p.strip() for document in data.train for s in document for p in s.split("\n\n")}
        self.assertTrue(held_out)
        self.assertFalse(held_out & trained)
        self.assertEqual(len(held_out | trained), len(lines))


class WindowsTest(unittest.TestCase):
    def test_an_epoch_covers_the_stream_once_and_resumes(self) -> None:
        stream = np.arange(1000, dtype=np.uint16)
        progress = windows.Progress(context=10)
        cutter = windows.Windows(stream, progress)
        first = cutter.batch(400)
        resumed = windows.Windows(stream, dataclasses.replace(progress))
        second = cutter.batch(400)
        self.assertTrue(torch.equal(resumed.batch(400), second))
        seen = torch.cat([first, second])[:, 1:].flatten()
        self.assertEqual(len(seen.unique()), 800)
        cutter.batch(400)
        self.assertEqual(progress.epoch, 1)


class BpeTest(unittest.TestCase):
    def test_merges_the_most_frequent_pair_first(self) -> None:
        merges = bpe.train(["low low low lower lowest"], vocab_size=258 + 4)
        self.assertEqual(merges[:2], [("o", "w"), ("l", "ow")])

    def test_round_trip_of_any_text(self) -> None:
        tokenizer = bpe.Tokenizer(bpe.train(["the cat and the hat"], vocab_size=258 + 8))
        text = "The hat's — naïve…\n\n\t42 cats_ \U0001f408 the end  "
        self.assertEqual(tokenizer.decode(tokenizer.encode(text)), text)


class ModelTest(unittest.TestCase):
    def test_exported_model_gives_the_same_logits_in_numpy(self) -> None:
        config = Config(vocab_size=300, hidden_size=64, intermediate_size=96, num_hidden_layers=2)
        torch.manual_seed(0)
        model = Llama(config)
        for weight in model.parameters():
            weight.data.mul_(3.0)
            weight.data.copy_(weight.data.bfloat16())
        tokens = torch.randint(config.vocab_size, (50,))
        with tempfile.TemporaryDirectory() as folder:
            export.export(model.state_dict(), config, Path(folder))
            actual = check.Model(Path(folder)).logits(tokens.tolist())
        expected = model(tokens.unsqueeze(0))[0].detach().numpy()
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())

    def test_workers_leave_the_gradient_of_the_whole_batch(self) -> None:
        torch.manual_seed(0)
        model = Llama(Config(vocab_size=300, hidden_size=64, intermediate_size=96, num_hidden_layers=2))
        tokens = torch.randint(300, (9, 257))
        team = workers.Workers(model)
        gradients = []
        for threads in (1, 3):
            team.resize(threads)
            loss = team.accumulate(tokens)
            gradients.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
        logits = model(tokens[:, :-1]).flatten(0, 1)
        expected = torch.nn.functional.cross_entropy(logits, tokens[:, 1:].flatten())
        expected_gradient = torch.cat([g.flatten() for g in torch.autograd.grad(expected, list(model.parameters()))])
        self.assertAlmostEqual(loss, expected.item(), delta=0.02)
        for gradient in gradients:
            self.assertGreater(torch.cosine_similarity(gradient, expected_gradient, dim=0).item(), 0.999)
            self.assertAlmostEqual((gradient.norm() / expected_gradient.norm()).item(), 1.0, delta=0.01)

    def test_learning_rate_warms_up_stays_and_falls(self) -> None:
        self.assertLess(train.learning_rate(0, 4.0), train.PEAK_RATE / 100)
        self.assertEqual(train.learning_rate(5000, 4.0), train.PEAK_RATE)
        self.assertEqual(train.learning_rate(5000, 0.25), train.PEAK_RATE / 4)
        self.assertEqual(train.learning_rate(5000, -0.1), 0.0)

    def test_token_loss_is_cross_entropy(self) -> None:
        logits = torch.randn(7, 11, requires_grad=True)
        targets = torch.randint(11, (7,))
        expected = torch.nn.functional.cross_entropy(logits, targets)
        actual = TokenLoss.apply(logits, targets)
        torch.testing.assert_close(actual, expected)
        gradients = [torch.autograd.grad(loss, logits)[0] for loss in (actual, expected)]
        torch.testing.assert_close(*gradients)


if __name__ == "__main__":
    unittest.main()
