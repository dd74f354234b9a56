package io.doorbell.deployment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class SchemaTest {
    static final String METATYPE = """
            <?xml version="1.0" encoding="UTF-8"?>
            <metatype:MetaData xmlns:metatype="http://www.osgi.org/xmlns/metatype/v1.4.0">
              <OCD id="test.Config" name="Test" description="">
                <AD id="depth" type="Integer" cardinality="0" min="2" max="1024" default="32" description="How deep"/>
                <AD id="store" type="String" default="memory"><Option label="m" value="memory"/><Option label="f" value="file"/></AD>
                <AD id="cpus" type="Integer" cardinality="2147483647" required="false"/>
                <AD id="secret" type="Password" min="8" required="false"/>
                <AD id="name" type="String"/>
              </OCD>
              <Designate pid="test.one"><Object ocdref="test.Config"/></Designate>
              <Designate factoryPid="test.many"><Object ocdref="test.Config"/></Designate>
              <Designate pid="test.undefined"><Object ocdref="elsewhere"/></Designate>
            </metatype:MetaData>
            """;

    private static List<Schema> schemas(String text) throws IOException {
        var metatype = new Metatype();
        metatype.read(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
        return metatype.schemas();
    }

    private static Schema.Checked check(String fileName, String text) throws IOException {
        var file = ConfigurationFile.of(fileName, text);
        return schemas(METATYPE).stream()
                .filter(schema -> schema.pid().equals(file.pid()))
                .findFirst()
                .orElseThrow()
                .check(file);
    }

    @Test
    void aMetatypeFileGivesASchemaForEachDesignateItDefines() throws IOException {
        assertThat(schemas(METATYPE)).extracting(Schema::pid).containsExactly("test.one", "test.many");
        assertThat(schemas(METATYPE)).extracting(Schema::factory).containsExactly(false, true);
    }

    @Test
    void aGoodFileBecomesTypedProperties() throws IOException {
        var checked = check("test.one.cfg", """
                # How deep
                depth = 64
                  store=file
                cpus = 0, 2
                name = a = b
                """);

        assertThat(checked.problems()).isEmpty();
        assertThat(checked.properties().get("depth")).isEqualTo(64);
        assertThat(checked.properties().get("store")).isEqualTo("file");
        assertThat(checked.properties().get("cpus")).isEqualTo(new Integer[] {0, 2});
        assertThat(checked.properties().get("name"))
                .as("only the first = parts")
                .isEqualTo("a = b");
    }

    @Test
    void eachWrongValueIsNamedWithWhatIsAllowedAndTheDefault() throws IOException {
        var checked = check("test.one.cfg", "depth = 1\nstore = tape\nname = x\n");

        assertThat(checked.problems())
                .containsExactly(
                        "depth = 1: must be a whole number from 2 to 1024 (default 32)",
                        "store = tape: must be one of memory, file (default memory)");
    }

    @Test
    void anUnknownKeyIsNamedWithTheKnownOnes() throws IOException {
        assertThat(check("test.one.cfg", "deep = 4\nname = x").problems())
                .containsExactly("deep = 4: there is no such key; known are cpus, depth, name, secret, store");
    }

    @Test
    void aMissingKeyWithoutADefaultIsNamed() throws IOException {
        assertThat(check("test.one.cfg", "depth = 4").problems()).containsExactly("name is missing: must be a text");
    }

    @Test
    void aWrongSecretIsNotRepeated() throws IOException {
        assertThat(check("test.one.cfg", "secret = 1234567\nname = x").problems())
                .containsExactly("secret = ...: must be a text of at least 8 characters");
    }

    @Test
    void theNameOfTheFileMustFitAFactoryOrASingleComponent() throws IOException {
        assertThat(check("test.many~a.cfg", "name = x").problems()).isEmpty();
        assertThat(check("test.many.cfg", "name = x").problems())
                .containsExactly("there may be several of test.many: call the file test.many~NAME.cfg");
        assertThat(check("test.one~a.cfg", "name = x").problems())
                .containsExactly("there is one test.one: call the file test.one.cfg");
    }

    @Test
    void aLineThatIsNoEntryAndAKeyThatComesTwiceAreProblems() {
        var file = ConfigurationFile.of("test.one.cfg", "depth\n\ndepth = 4\n= 3\ndepth = 5\n");

        assertThat(file.problems())
                .containsExactly(
                        "line 1 is not key = value: depth",
                        "line 4 is not key = value: = 3",
                        "line 5: depth stands here for the second time");
    }

    @Test
    void anEntityInAMetatypeFileIsNotFetched() {
        var attack = """
                <!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>
                <MetaData><OCD id="a"><AD id="k" type="String" default="&e;"/></OCD></MetaData>""";

        assertThatThrownBy(() -> schemas(attack)).isInstanceOf(IOException.class);
    }
}
