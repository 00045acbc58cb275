"""The web chat's script as it is served: how large it is, and that nothing but comments and blanks is left out."""

from __future__ import annotations

import gzip

import pytest

from cx_channels.chat.webchat.script import MOST_BYTES, compressed_script, script
from cx_channels.chat.webchat.squeeze import squeeze


def test_the_script_stays_small() -> None:
    assert gzip.decompress(compressed_script()) == script()
    assert len(compressed_script()) <= MOST_BYTES


def test_the_script_holds_no_comment_and_no_module() -> None:
    for line in script().decode().splitlines():
        assert not line.startswith(("//", "/*", "import ", "export ")), line


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("const a = 1; // why\n/* and\n  how */\nlet b = a + 1;\n", "let a=1,b=a+1;"),
        (
            "const a = 1;\nif (a) {\n  const b = 2;\n}\nlet c;\nc = 3;\nconst d = 4;",
            "let a=1;if(a){let b=2}\nlet c;c=3;let d=4;",
        ),
        (
            "for (let i = 0; i < 3; i++) f(i);\nconst {x, y} = z;\nconst [q] = w;",
            "for(let i=0;i<3;i++)f(i);let{x,y}=z,[q]=w;",
        ),
        ("f(\"// no comment  \", '/* none */');", "f(\"// no comment  \",'/* none */');"),
        ("const at = `a  ${b}  // c`;", "let at=`a  ${b}  // c`;"),
        ("const css = `\n  .a > b { color: red; } /* why */\n`;", "let css=` .a>b{color:red}`;"),
        (r"const slash = text.replace(/[/\s]\/ +/g, '');", r"let slash=text.replace(/[/\s]\/ +/g,'');"),
        ("return a / b / c;", "return a/b/c;"),
        ("a + +b - -c", "a+ +b- -c"),
        ("all.map((each) => each.id)", "all.map(each=>each.id)"),
        ("const one = async (a) => a", "let one=async(a)=>a"),
        ("x()\ny()", "x()\ny()"),
        ("if (a) {\n  b();\n}\nc();", "if(a){b()}\nc();"),
        ("typeof x in y", "typeof x in y"),
    ],
)
def test_comments_and_blanks_are_left_out(text: str, left: str) -> None:
    assert squeeze(text) == left
