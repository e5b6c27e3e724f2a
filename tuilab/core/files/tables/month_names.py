"""The names of months, as dates and cells such as `5-Jan` have them."""

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar jänner jän januari janvier janv enero ene gennaio gen janeiro "
            "styczeń stycznia sty",
            "feb february februar februari février fev fevr févr febrero fév febbraio fevereiro "
            "luty lutego lut",
            "mar march mär märz mrz mars marzo marts maart mrt março marzec marca",
            "apr april avril avr abr abril aprile kwiecień kwietnia kwi",
            "may mai mayo maggio mag maio maj mei maja",
            "jun june juni juin junio giugno giu junho czerwiec czerwca cze",
            "jul july juli juillet juil julio luglio lug julho lipiec lipca lip",
            "aug august août aout aoû agosto ago augustus augusti sierpień sierpnia sie",
            "sep sept september septembre septiembre settembre set setembro wrzesień września wrz",
            "oct october okt oktober octobre octubre ottobre ott outubro out październik "
            "października paź",
            "nov november novembre noviembre novembro listopad listopada lis",
            "dec december dez dezember déc décembre dic diciembre dicembre dezembro grudzień "
            "grudnia gru",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
"""Names of months in English and other languages of Europe, in lower case."""
