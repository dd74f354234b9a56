package io.doorbell.deployment;

import io.doorbell.deployment.Option.Type;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;

/**
 * Reads the Metatype files of one bundle (OSGi Compendium 8 §105.8 "Meta Type XML Schema"). The MetaTypeService would
 * read them too, but its interface keeps minimum and maximum to itself, and a refused value has to name them.
 */
final class Metatype {
    static final String FOLDER = "OSGI-INF/metatype";

    private record Designate(String pid, boolean factory, String definition) {}

    private final Map<String, SortedMap<String, Option>> definitions = new HashMap<>();
    private final List<Designate> designates = new ArrayList<>();

    /** Adds one file of the folder. */
    void read(InputStream file) throws IOException {
        var inputs = XMLInputFactory.newDefaultFactory();
        // A plug-in's file is data: it neither defines entities nor fetches any.
        inputs.setProperty(XMLInputFactory.SUPPORT_DTD, false);
        inputs.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
        try {
            var reader = inputs.createXMLStreamReader(file);
            while (reader.hasNext()) {
                if (reader.next() == XMLStreamConstants.START_ELEMENT) {
                    switch (reader.getLocalName()) {
                        case "OCD" -> definitions.put(attribute(reader, "id"), options(reader));
                        case "Designate" -> designates.add(designate(reader));
                        default -> {}
                    }
                }
            }
        } catch (XMLStreamException e) {
            throw new IOException("not a Metatype file", e);
        }
    }

    List<Schema> schemas() {
        return designates.stream()
                .filter(designate -> definitions.containsKey(designate.definition))
                .map(designate -> new Schema(designate.pid, designate.factory, definitions.get(designate.definition)))
                .toList();
    }

    private static SortedMap<String, Option> options(XMLStreamReader reader) throws XMLStreamException {
        var options = new TreeMap<String, Option>();
        while (!ends(reader, "OCD")) {
            if (reader.getEventType() == XMLStreamConstants.START_ELEMENT
                    && reader.getLocalName().equals("AD")) {
                var option = option(reader);
                options.put(option.key(), option);
            }
        }
        return options;
    }

    private static Option option(XMLStreamReader reader) throws XMLStreamException {
        var key = attribute(reader, "id");
        var type = type(attribute(reader, "type"));
        var cardinality = attribute(reader, "cardinality");
        var min = attribute(reader, "min");
        var max = attribute(reader, "max");
        var defaultValue = attribute(reader, "default");
        var required = attribute(reader, "required");
        var description = attribute(reader, "description");
        var allowed = new ArrayList<String>();
        while (!ends(reader, "AD")) {
            if (reader.getEventType() == XMLStreamConstants.START_ELEMENT
                    && reader.getLocalName().equals("Option")) {
                allowed.add(attribute(reader, "value"));
            }
        }
        return new Option(
                key,
                type,
                cardinality == null ? 0 : Integer.parseInt(cardinality),
                min == null ? null : new BigDecimal(min),
                max == null ? null : new BigDecimal(max),
                defaultValue,
                !"false".equals(required),
                List.copyOf(allowed),
                description == null ? "" : description);
    }

    private static Type type(String name) {
        return name.equals("Char") ? Type.CHARACTER : Type.valueOf(name.toUpperCase(Locale.ROOT));
    }

    private static Designate designate(XMLStreamReader reader) throws XMLStreamException {
        var pid = attribute(reader, "pid");
        var factoryPid = attribute(reader, "factoryPid");
        String definition = null;
        while (!ends(reader, "Designate")) {
            if (reader.getEventType() == XMLStreamConstants.START_ELEMENT
                    && reader.getLocalName().equals("Object")) {
                definition = attribute(reader, "ocdref");
            }
        }
        return new Designate(factoryPid != null ? factoryPid : pid, factoryPid != null, definition);
    }

    /** Steps on, and says whether that was the end of the element. */
    private static boolean ends(XMLStreamReader reader, String element) throws XMLStreamException {
        return reader.next() == XMLStreamConstants.END_ELEMENT
                && reader.getLocalName().equals(element);
    }

    private static String attribute(XMLStreamReader reader, String name) {
        return reader.getAttributeValue(null, name);
    }
}
