"""The command language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.step import MAX_STEPS
from gateway.parsing.codes import CODES
from gateway.parsing.lexer import MAX_WORD_BYTES, MAX_WORDS, lex
from gateway.parsing.result import Refusal


def words(text: str) -> list[list[str]]:
    commands = lex(text)
    assert not isinstance(commands, Refusal), commands
    return [[word.text for word in command.words] for command in commands]


def refused(text: str) -> Refusal:
    commands = lex(text)
    assert isinstance(commands, Refusal), commands
    return commands


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kubectl get pods", [["kubectl", "get", "pods"]]),
        ("  kubectl\tget  pods  \n", [["kubectl", "get", "pods"]]),
        ("a 'b c' \"d e\"", [["a", "b c", "d e"]]),
        ("""a 'x'"y"z''""", [["a", "xyz"]]),
        ("a ''", [["a", ""]]),
        ("""psql -c 'select '"'"'x'"'"''""", [["psql", "-c", "select 'x'"]]),
        ("a && b;c", [["a"], ["b"], ["c"]]),
        ("a \\\n  b", [["a", "b"]]),
        ("a \\\n \\\n b", [["a", "b"]]),
        ("a --field-selector=status.phase!=Running", [["a", "--field-selector=status.phase!=Running"]]),
        ("git show HEAD~3 HEAD^ v1~~", [["git", "show", "HEAD~3", "HEAD^", "v1~~"]]),
        ("a b#c '#d'", [["a", "b#c", "#d"]]),
        (
            "a -o=x={.status.phase} HEAD@{1} v1^{commit} @~2",
            [["a", "-o=x={.status.phase}", "HEAD@{1}", "v1^{commit}", "@~2"]],
        ),
        (
            "a -o=x={.a[0].b[*]} --s=.a[0].b .a[*] --query A[].B[1]",
            [["a", "-o=x={.a[0].b[*]}", "--s=.a[0].b", ".a[*]", "--query", "A[].B[1]"]],
        ),
        ("a '$HOME' '`id`' '\\n' '*' '{x}'", [["a", "$HOME", "`id`", "\\n", "*", "{x}"]]),
        ("a 'é'", [["a", "é"]]),
        ("""a "x\\"y" "\\\\" "\\`b\\`" "a\\.b" "\\$X\"""", [["a", 'x"y', "\\", "`b`", "a\\.b", "$X"]]),
        ("a 'two\nlines'", [["a", "two\nlines"]]),
    ],
)
def test_accepted_texts_have_these_words(text: str, expected: list[list[str]]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "code", "at"),
    [
        ("", "LEX_EMPTY_COMMAND", ""),
        ("\n", "LEX_EMPTY_COMMAND", ""),
        ("a &&", "LEX_EMPTY_COMMAND", ""),
        ("&& a", "LEX_EMPTY_COMMAND", ""),
        ("a;;b", "LEX_EMPTY_COMMAND", ""),
        ("a;", "LEX_EMPTY_COMMAND", ""),
        ("a\nb", "LEX_NEWLINE", "\n"),
        ("a\n\n", "LEX_NEWLINE", "\n"),
        ("a &&\nb", "LEX_NEWLINE", "\n"),
        ("a | b", "LEX_PIPE", "|"),
        ("a |& b", "LEX_PIPE", "|"),
        ("a || b", "LEX_OR", "|"),
        ("a & b", "LEX_BACKGROUND", "&"),
        ("a &&& b", "LEX_BACKGROUND", "&"),
        ("a > x", "LEX_REDIRECT", ">"),
        ("a 2>&1", "LEX_REDIRECT", ">"),
        ("a <x", "LEX_REDIRECT", "<"),
        ("a <<E", "LEX_REDIRECT", "<"),
        ("a $X", "LEX_EXPANSION", "$"),
        ("a $'x'", "LEX_EXPANSION", "$"),
        ("a `id`", "LEX_EXPANSION", "`"),
        ('a "$X"', "LEX_QUOTED_EXPANSION", "$"),
        ('a "`id`"', "LEX_QUOTED_EXPANSION", "`"),
        ('a "x\\\ny"', "LEX_QUOTED_BACKSLASH", "\\"),
        ('a "x\\!y"', "LEX_QUOTED_BACKSLASH", "\\"),
        ('a "x\\\\$(id)"', "LEX_QUOTED_EXPANSION", "$"),
        ('a "x\\"y', "LEX_UNCLOSED_QUOTE", '"x\\"y'),
        ('a "x\\"', "LEX_UNCLOSED_QUOTE", '"x\\"'),
        ("a \\b", "LEX_BACKSLASH", "\\"),
        ("ku\\\nbectl", "LEX_BACKSLASH", "\\"),
        ("a b\\\n c", "LEX_BACKSLASH", "\\"),
        ("a \\\n", "LEX_BACKSLASH", "\\"),
        ("a *", "LEX_GLOB", "*"),
        ("a x?", "LEX_GLOB", "?"),
        ("a [x]", "LEX_GLOB", "["),
        ("a web[0]", "LEX_GLOB", "["),
        ("a web-[0]", "LEX_GLOB", "["),
        ("a .[0]", "LEX_GLOB", "["),
        ("a --x=web[0-9]", "LEX_GLOB", "["),
        ("a --x=web[a]", "LEX_GLOB", "["),
        ("a --x=web[!0]", "LEX_GLOB", "["),
        ("a --x='web'[0]", "LEX_GLOB", "["),
        ("a --x=web[0]*", "LEX_GLOB", "*"),
        ("x[0]=1 a", "LEX_GLOB", "["),
        ("a x={.a[0],.b}", "LEX_BRACE", "{"),
        ("a x={.a[b]}", "LEX_BRACE", "{"),
        ("a {x,y}", "LEX_BRACE", "{"),
        ("a b={x,y}", "LEX_BRACE", "{"),
        ("a b@{1..3}", "LEX_BRACE", "{"),
        ("a b={x}{y,z}", "LEX_BRACE", "{"),
        ("a ~", "LEX_TILDE", "~"),
        ("a x:~", "LEX_TILDE", "~"),
        ("a x=~", "LEX_TILDE", "~"),
        ("a 'x'~", "LEX_TILDE", "~"),
        ("a # b", "LEX_COMMENT", "#"),
        ("a !b", "LEX_BANG", "!"),
        ("! a", "LEX_BANG", "!"),
        ("(a)", "LEX_SUBSHELL", "("),
        ("a 'b", "LEX_UNCLOSED_QUOTE", "'"),
        ('a "b', "LEX_UNCLOSED_QUOTE", '"b'),
        ("a é", "LEX_NON_ASCII", "é"),
        ("X=1 a", "LEX_ASSIGNMENT", "X=1"),
        ("X+=1 a", "LEX_ASSIGNMENT", "X+=1"),
        ("'' a", "LEX_EMPTY_TOOL", "''"),
        ("time a", "LEX_KEYWORD", "time"),
        ("a && if b", "LEX_KEYWORD", "if"),
        ("%1 a", "LEX_JOB", "%1"),
    ],
)
def test_refused_texts_name_the_code_and_the_place(text: str, code: str, at: str) -> None:
    refusal = refused(text)
    assert (refusal.code, text.encode()[slice(*refusal.span)].decode()) == (code, at)


def test_connectors_belong_to_the_command_they_introduce() -> None:
    commands = lex("a && b ; c")
    assert not isinstance(commands, Refusal)
    assert [command.connector for command in commands] == [None, "&&", ";"]


def test_spans_are_bytes_of_the_proposal() -> None:
    text = "a 'é' 'b'"
    commands = lex(text)
    assert not isinstance(commands, Refusal)
    assert [text.encode()[slice(*word.span)].decode() for word in commands[0].words] == ["a", "'é'", "'b'"]


def test_caps_refuse_and_never_skip() -> None:
    assert len(words(" ".join(["a"] * MAX_WORDS))[0]) == MAX_WORDS
    assert refused(" ".join(["a"] * (MAX_WORDS + 1))).code == "LEX_TOO_MANY_WORDS"
    assert len(words("&&".join(["a"] * MAX_STEPS))) == MAX_STEPS
    assert refused("&&".join(["a"] * (MAX_STEPS + 1))).code == "LEX_TOO_MANY_COMMANDS"
    assert refused("a " + "b" * (MAX_WORD_BYTES + 1)).code == "LEX_WORD_TOO_LONG"
    assert refused("a '" + "é" * (MAX_WORD_BYTES // 2 + 1) + "'").code == "LEX_WORD_TOO_LONG"


@given(st.text(alphabet="ab \t\n'\"\\$`*?[]{}~#!&;|<>()=%^.-é", max_size=40))
def test_any_text_is_lexed_or_refused_with_a_known_code(text: str) -> None:
    commands = lex(text)
    if isinstance(commands, Refusal):
        assert commands.code in CODES
        assert 0 <= commands.span[0] <= commands.span[1] <= len(text.encode())
    else:
        assert all(command.words[0].text for command in commands)


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="'", exclude_categories=["Cs"])), max_size=6))
def test_single_quotes_keep_every_word_as_it_is(given_words: list[str]) -> None:
    quoted = " ".join(["a", *(f"'{word}'" for word in given_words)])
    commands = lex(quoted)
    assert not isinstance(commands, Refusal)
    assert [word.text for word in commands[0].words] == ["a", *given_words]
