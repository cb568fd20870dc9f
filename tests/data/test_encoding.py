"""The encoding of tables with a few words or signs of some language among plain ones."""

import pytest

from automl.data.encoding import decode

WORDS = {
    "German": ("cp1252", "Müller Straße grün Köln"),
    "one German word": ("cp1252", "Bonn Bonn Bonn Bonn Bonn Bonn Bonn Bonn Köln"),
    "French": ("cp1252", "café été garçon où naïf"),
    "French with a Slovene": ("cp1252", "très à bête Žan Košir"),
    "Spanish": ("cp1252", "niño año señor corazón"),
    "Portuguese": ("cp1252", "São ação Brasília coração"),
    "Swedish": ("cp1252", "Malmö Göteborg Umeå Växjö"),
    "Danish": ("cp1252", "København Århus blå rød"),
    "Icelandic": ("cp1252", "Reykjavík Þingvellir maður sýsla"),
    "Turkish": ("cp1254", "İstanbul şehir güzel ığdır"),
    "Polish": ("cp1250", "Łódź Kraków zażółć gęślą jaźń"),
    "Slovene": ("cp1250", "šola žena čas Križ"),
    "Czech": ("cp1250", "Plzeň žluťoučký kůň Příbram česká"),
    "Russian": ("cp1251", "Москва привет город улица"),
    "Russian of Unix": ("koi8_r", "Москва привет город улица"),
    "Greek": ("cp1253", "Αθήνα καλημέρα πόλη"),
    "Hebrew": ("cp1255", "שלום ירושלים תל אביב"),
    "Arabic": ("cp1256", "مرحبا القاهرة"),
    "Japanese": ("cp932", "東京 大阪 日本語 名前"),
    "simplified Chinese": ("gb18030", "北京 上海 广州 中文"),
    "traditional Chinese": ("big5", "北京 上海 廣州 中文"),
    "Korean": ("cp949", "서울 부산 한국어"),
    "German of DOS": ("cp850", "Müller Straße grün Köln"),
    "euros of Unix": ("iso8859_15", "5€ 7,50€ 12€"),
}
SIGNS = [
    "{},50 €",
    "£{}",
    "¥{}",
    "{}¢",
    "{} °C",
    "{} m²",
    "{} µg",
    "it’s {}",
    "{}–9",
    "{}½",
    "Brand® {}",
    "• {}",
    "{} ± 2",
]


def table(cells: list[str], rows: int) -> str:
    lines = (f"{i};{('anna', 'bob')[i % 2]};{cells[i % len(cells)]};{('Rome', 'Oslo')[i % 3 % 2]}" for i in range(rows))
    return "\n".join(["id;name;value;city", *lines])


@pytest.mark.parametrize("rows", [30, 400])
@pytest.mark.parametrize(("encoding", "words"), WORDS.values(), ids=WORDS.keys())
def test_words_are_read_as_they_were_written(encoding: str, words: str, rows: int) -> None:
    text = table(words.split(), rows)
    assert decode(text.encode(encoding))[0] == text


@pytest.mark.parametrize("sign", SIGNS)
def test_signs_beside_numbers_are_those_of_windows(sign: str) -> None:
    text = table([sign.format(i) for i in range(300)], 300)
    assert decode(text.encode("cp1252")) == (text, "cp1252")
