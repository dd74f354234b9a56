package io.doorbell.runtime.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TableTest {
    private static String printed(Table table) {
        return printed(table, Integer.MAX_VALUE);
    }

    private static String printed(Table table, int columns) {
        var out = new StringWriter();
        table.print(new PrintWriter(out, true), columns);
        return out.toString();
    }

    @Test
    void columnsAreAsWideAsTheirWidestCellAndFiguresEndAtTheRight() {
        var table = new Table("NAME", ">COUNT", "STATE").row("a", 7, "READY").row("a longer name", 1234567, null);

        assertThat(printed(table)).isEqualTo("""
                NAME             COUNT  STATE
                a                    7  READY
                a longer name  1234567  -
                """);
    }

    @Test
    void aTerminalThatIsTooNarrowGetsTheTableWithoutWhatIsDispensable() {
        var table = new Table(">ID", "NAME", ">AGE", "STATE")
                .row(1, "some name", "5 s", "well")
                .row(12, "a", "-", "unwell")
                .dispensable("AGE", "ID", "STATE");

        assertThat(printed(table, 26)).isEqualTo(printed(table));
        assertThat(printed(table, 25)).isEqualTo("""
                ID  NAME       STATE
                 1  some name  well
                12  a          unwell
                (a wider terminal shows AGE)
                """);
        assertThat(printed(table, 19)).startsWith("NAME       STATE\nsome name  well\n");
        assertThat(printed(table, 5)).startsWith("NAME\nsome name\n");
    }

    @Test
    void textsAreShortenedAtTheirBeginningBeforeAColumnIsLeftOut() {
        var table = new Table("A LONG HEADING OF A COLUMN", "NAME", ">COUNT")
                .row("x", "nqn.2014-08.org.example:one", 1)
                .row("y", "two", 123456789)
                .dispensable("COUNT");

        assertThat(printed(table, 56)).isEqualTo("""
                A LONG HEADING OF A COLUMN  NAME                   COUNT
                x                           ..org.example:one          1
                y                           two                123456789
                """);
        assertThat(printed(table, 44)).isEqualTo("""
                A LONG HEADING OF A COLUMN  NAME
                x                           ..rg.example:one
                y                           two
                (a wider terminal shows COUNT)
                """);
    }

    @Test
    void onlyAColumnThatIsThereIsDispensable() {
        assertThatThrownBy(() -> new Table("A", ">B").dispensable(">B")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void whatAPeerCallsItselfDoesNotSteerTheTerminal() {
        var table = new Table("HOST").row("nqn.\u001b[2Jx\n\u009b\u202ey");

        assertThat(printed(table)).isEqualTo("HOST\nnqn.?[2Jx???y\n");
    }

    @Test
    void rowsComeInTheOrderOfTheirKeysAndNumbersByTheirValue() {
        var table = Map.of(
                "nqn:b/10", Map.of("name", 4),
                "nqn:b/9", Map.of("name", 3),
                "nqn:a/1", Map.of("name", 2),
                "12", Map.of("name", 1),
                "7", Map.of("name", 0));

        assertThat(Row.of(table)).extracting(row -> row.number("name")).containsExactly(0L, 1L, 2L, 3L, 4L);
    }

    @Test
    void aRowThatDoesNotFitIsAMistake() {
        var table = new Table("A", "B");

        assertThatThrownBy(() -> table.row("a")).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "812, 812", "9999, 9999", "12345, 12.3k", "1234567, 1.2M", "999999, 1000k", "123456789, 123M"})
    void countsAreShortWithThreeFiguresAtLeast(double count, String words) {
        assertThat(Figures.count(count)).isEqualTo(words);
    }

    @ParameterizedTest
    @CsvSource({"0, 0 B", "1023, 1023 B", "1536, 1.5 KiB", "104857600, 100 MiB", "1099511627776, 1.0 TiB"})
    void bytesAreBinary(double bytes, String words) {
        assertThat(Figures.bytes(bytes)).isEqualTo(words);
    }

    @ParameterizedTest
    @CsvSource({
        "5000, 5 us",
        "5000000, 5 ms",
        "12300000000, 12.3 s",
        "90000000000, 1m 30s",
        "7260000000000, 2h 1m",
        "97200000000000, 1d 3h"
    })
    void timesHaveTheUnitThatTheyNeed(long nanos, String words) {
        assertThat(Figures.nanos(nanos)).isEqualTo(words);
    }

    @ParameterizedTest
    @CsvSource({"0, ''", "0.42, 0.4 us", "9.9, 9.9 us", "12.4, 12 us", "999, 999 us", "1500, 1.5 ms"})
    void timesOfAnIo(double micros, String words) {
        assertThat(Figures.micros(micros)).isEqualTo(words);
    }

    @Test
    void aRowAnswersForWhatIsNotThere() {
        var row = new Row(Map.of("a", 7, "list", List.of("x", "y"), "table", Map.of("k", Map.of("b", true))));

        assertThat(row.number("a")).isEqualTo(7);
        assertThat(row.number("none")).isZero();
        assertThat(row.text("none")).isEmpty();
        assertThat(row.texts("list")).containsExactly("x", "y");
        assertThat(row.rows("table"))
                .singleElement()
                .satisfies(each -> assertThat(each.flag("b")).isTrue());
        assertThat(row.row("none").fields()).isEmpty();
    }
}
