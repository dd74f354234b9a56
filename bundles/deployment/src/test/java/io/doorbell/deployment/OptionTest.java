package io.doorbell.deployment;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.deployment.Option.Type;
import java.math.BigDecimal;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OptionTest {
    private static Option option(Type type, int cardinality, String min, String max, String... allowed) {
        return new Option(
                "key",
                type,
                cardinality,
                min == null ? null : new BigDecimal(min),
                max == null ? null : new BigDecimal(max),
                "7",
                true,
                List.of(allowed),
                "");
    }

    @ParameterizedTest
    @CsvSource({
        "INTEGER, 42, true",
        "INTEGER, -1, true",
        "INTEGER, 2147483648, false",
        "INTEGER, 4.0, false",
        "INTEGER, '', false",
        "INTEGER, many, false",
        "LONG, 2147483648, true",
        "SHORT, 32768, false",
        "BYTE, 128, false",
        "DOUBLE, 0.5, true",
        "DOUBLE, NaN, false",
        "FLOAT, 1e3, true",
        "BOOLEAN, true, true",
        "BOOLEAN, false, true",
        "BOOLEAN, yes, false",
        "BOOLEAN, TRUE, false",
        "CHARACTER, x, true",
        "CHARACTER, xy, false",
        "STRING, anything at all, true",
    })
    void takesOnlyTextsOfItsType(Type type, String text, boolean taken) {
        assertThat(option(type, 0, null, null).parse(text).isPresent()).isEqualTo(taken);
    }

    @Test
    void valuesHaveTheTypeThatComponentsAskFor() {
        assertThat(option(Type.INTEGER, 0, null, null).parse("42")).contains(42);
        assertThat(option(Type.LONG, 0, null, null).parse("42")).contains(42L);
        assertThat(option(Type.BOOLEAN, 0, null, null).parse("true")).contains(true);
        assertThat(option(Type.CHARACTER, 0, null, null).parse("x")).contains('x');
    }

    @ParameterizedTest
    @CsvSource({"1, false", "2, true", "64, true", "65, false"})
    void boundsAreInclusive(String text, boolean taken) {
        assertThat(option(Type.INTEGER, 0, "2", "64").parse(text).isPresent()).isEqualTo(taken);
    }

    @Test
    void boundsOfATextCountItsCharacters() {
        var name = option(Type.STRING, 0, "1", "3");

        assertThat(name.parse("")).isEmpty();
        assertThat(name.parse("abc")).contains("abc");
        assertThat(name.parse("abcd")).isEmpty();
        assertThat(name.whatIsAllowed()).isEqualTo("a text of 1 to 3 characters (default 7)");
    }

    @Test
    void onlyListedValuesAreTakenWhereThereIsAList() {
        var option = option(Type.STRING, 0, null, null, "null", "memory", "file");

        assertThat(option.parse("memory")).contains("memory");
        assertThat(option.parse("disk")).isEmpty();
        assertThat(option.whatIsAllowed()).isEqualTo("one of null, memory, file (default 7)");
    }

    @Test
    void commasPartTheElementsOfAnArray() {
        var option = option(Type.STRING, Integer.MAX_VALUE, null, null);

        assertThat(option.parse("a, b ,c"))
                .hasValueSatisfying(value -> assertThat(value).isEqualTo(new String[] {"a", "b", "c"}));
        assertThat(option.parse(""))
                .hasValueSatisfying(value -> assertThat(value).isEqualTo(new String[0]));
    }

    @Test
    void aBackslashTakesTheMeaningFromACommaAndFromItself() {
        assertThat(Option.split("a\\,b, c\\\\, d\\e")).containsExactly("a,b", "c\\", "d\\e");
    }

    @Test
    void anArrayOfNumbersIsTypedAndEachElementIsChecked() {
        var option = option(Type.INTEGER, 3, "0", "7");

        assertThat(option.parse("0,7"))
                .hasValueSatisfying(value -> assertThat(value).isEqualTo(new Integer[] {0, 7}));
        assertThat(option.parse("0,8")).isEmpty();
        assertThat(option.parse("1,2,3,4")).as("more than the cardinality").isEmpty();
        assertThat(option.whatIsAllowed())
                .isEqualTo("a list with commas between (at most 3), each a whole number from 0 to 7 (default 7)");
    }

    @Test
    void aNegativeCardinalityMakesAList() {
        assertThat(option(Type.INTEGER, -4, null, null).parse("1,2")).contains(List.of(1, 2));
    }

    @Test
    void theDefaultOfASecretIsNotTold() {
        assertThat(option(Type.PASSWORD, 0, null, null).whatIsAllowed()).isEqualTo("a text");
    }
}
