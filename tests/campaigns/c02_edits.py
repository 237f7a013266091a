"""Random edits, hostile ones too, in each encoding of positions: the document against a plain string."""

from __future__ import annotations

from campaign import Campaign, Trial
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from oracle import names_of

from pylot_ls.text import chunk, document, rope
from pylot_ls.text.document import Document
from pylot_ls.text.position import PositionEncoding, offset_at
from pylot_ls.text.rope import Text

ORACLE = names_of("text/test_document.py")
hostile_text, changes, client_edit = (ORACLE[name] for name in ("hostile_text", "changes", "client_edit"))
_STEPS = 50


def machine(trial: Trial, encoding: PositionEncoding, n_edits: int) -> type[RuleBasedStateMachine]:
    """Edits of one document until so many were made of all; more are not judged."""

    class Edits(RuleBasedStateMachine):
        @initialize(text=hostile_text)
        def begin(self, text):
            self.source = text
            self.document = Document("file:///a.py", "python", 1, Text.from_str(text))

        @rule(edits=st.lists(changes, min_size=1, max_size=4))
        def edit(self, edits):
            if trial.figures["edits"] >= n_edits:
                return
            before, source = self.document, self.source
            for change in edits:
                self.source = client_edit(self.source, change, encoding)
            self.document = before.apply(edits, before.version + 1, encoding)
            self.document.text.check_integrity()
            assert str(self.document.text) == self.source, encoding
            assert str(before.text) == source, "an older snapshot has changed"
            trial.count("edits", len(edits))

    return Edits


def run(trial: Trial) -> None:
    # So small that short texts have many chunks, and every edit meets a boundary.
    trial.patch.setattr(chunk, "TARGET_CHARS", 9)
    for module in (chunk, rope):
        trial.patch.setattr(module, "MAX_CHARS", 12)
        trial.patch.setattr(module, "MIN_CHARS", 3)
    n_rounds = 0
    for share, encoding in enumerate(PositionEncoding, start=1):
        n_edits = trial.size * share // len(PositionEncoding)
        while trial.figures["edits"] < n_edits and not trial.notes:
            n_rounds += 1
            made = seed(trial.seed + n_rounds)(machine(trial, encoding, n_edits))
            # Each example begins with another text.
            n_examples = 1 + min(400, (n_edits - int(trial.figures["edits"])) // _STEPS)
            limits = settings(
                max_examples=n_examples,
                stateful_step_count=_STEPS,
                database=None,
                deadline=None,
                # That a planted fault is found is enough; others are told by their shortest example.
                phases=[Phase.generate] if trial.is_planted else [Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
            )
            try:
                run_state_machine_as_test(made, settings=limits)
            except Exception as error:  # noqa: BLE001 - whatever an edit raises is what is looked for
                trial.fault("differences", repr(error))


def plant(patch) -> None:
    """A character past the end of a line reaches into the next."""

    def offset(text, position, encoding):
        past = position.line < text.n_lines and position.character > len(text.line(position.line))
        return min(len(text), offset_at(text, position, encoding) + past)

    patch.setattr(document, "offset_at", offset)


CAMPAIGN = Campaign(
    number=2,
    title="random edits in UTF-8, UTF-16 and UTF-32 positions, hostile ones too, against a plain oracle",
    goal="0 differences",
    unit="edits",
    short=3_000,
    full=150_000,
    run=run,
    plant=plant,
    faults=("differences",),
)
