"""One line per problem, whatever the user's data contains."""

from hypothesis import given
from hypothesis import strategies as st

from core.issues import BadInput, Issue


def test_a_line_names_file_row_field_value_and_expectation() -> None:
    issue = Issue(file="usage.csv", row=7, field="quantity", found="1e999", expected="a plain decimal number")
    assert str(issue) == 'usage.csv, row 7, field quantity: found "1e999"; expected a plain decimal number'


def test_bad_input_is_one_line_per_issue() -> None:
    assert str(BadInput([Issue(message="one"), Issue(message="two", severity="warning")])) == "one\nwarning: two"
    assert BadInput("plain words").issues == [Issue(message="plain words")]


@given(st.text(max_size=300), st.text(max_size=300))
def test_no_value_breaks_the_line(found: str, name: str) -> None:
    line = str(Issue(file=name, field=name, found=found, message=found))
    assert "\n" not in line
    assert "\r" not in line
    assert all(c.isprintable() for c in line)


def test_a_ten_million_character_cell_is_clipped() -> None:
    assert len(str(Issue(found="x" * 10_000_000))) < 200
