import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * A customer's events folded by Kafka Streams, exactly once, as somebody writes it who does not ask who is who.
 *
 * <p>The log is keyed by the mail address already, so nothing is sent through a topic once more. The argument is a
 * {@code peer_contest.PeerTask} as JSON.
 */
public final class KafkaStreamsApp {
    private static final int MESSAGES_KEPT = 5;
    private static final ObjectMapper JSON =
            new ObjectMapper().configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, false);

    public static final class Task {
        public String servers;
        public String group;
        public String events;
        public String changes;
        public String folder;
        public int threads;
        public long warm;
    }

    public static final class Identifier {
        public String kind;
        public String value;
    }

    public static final class Participant {
        public List<Identifier> identifiers;
    }

    public static final class Message {
        public String text;
    }

    public static final class Data {
        public String channel;
        public List<Participant> participants;
        public Message message;
    }

    public static final class Event {
        public String id;
        public String time;
        public Data data;
    }

    public static final class Kept {
        public String time;
        public String channel;
        public String text;
    }

    public static final class Customer {
        public String mail;
        public long events;
        public Map<String, Long> channels = new HashMap<>();
        public String first;
        public String latest;
        public List<Kept> messages = new ArrayList<>();
    }

    public static final class Change {
        public String customer;
        public long events;
        public String latest;
    }

    private static final AtomicLong processed = new AtomicLong();
    private static final CountDownLatch warm = new CountDownLatch(1);
    private static final CountDownLatch go = new CountDownLatch(1);

    public static void main(String[] arguments) throws Exception {
        Task task = JSON.readValue(arguments[0], Task.class);
        KafkaStreams streams = new KafkaStreams(topology(task), settings(task));
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        BufferedReader heard = new BufferedReader(new InputStreamReader(System.in));
        streams.start();
        warm.await();
        System.out.println("{\"ready\": true}");
        heard.readLine();
        go.countDown();
        heard.readLine();
        streams.close();
        System.out.println("{\"processed\": " + processed.get() + "}");
    }

    private static Properties settings(Task task) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, task.group);
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, task.servers);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, task.threads);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, task.folder);
        settings.put("auto.offset.reset", "earliest");
        return settings;
    }

    private static Topology topology(Task task) {
        StreamsBuilder builder = new StreamsBuilder();
        Serde<Event> event = serde(Event.class);
        builder.stream(task.events, Consumed.with(Serdes.String(), event))
                .peek((key, value) -> pause(task))
                .groupByKey(Grouped.with(Serdes.String(), event))
                .aggregate(
                        Customer::new,
                        (key, value, customer) -> fold(customer, value),
                        Materialized.<String, Customer, KeyValueStore<Bytes, byte[]>>as("customers")
                                .withKeySerde(Serdes.String())
                                .withValueSerde(serde(Customer.class)))
                .toStream()
                .mapValues(KafkaStreamsApp::change)
                .to(task.changes, Produced.with(Serdes.String(), serde(Change.class)));
        return builder.build();
    }

    /** Waits, once a part of the log is through, until the measured part is to begin. */
    private static void pause(Task task) {
        if (processed.incrementAndGet() < task.warm) {
            return;
        }
        warm.countDown();
        try {
            go.await();
        } catch (InterruptedException error) {
            throw new IllegalStateException(error);
        }
    }

    private static Customer fold(Customer customer, Event event) {
        Data data = event.data;
        if (customer.mail == null) {
            for (Identifier each : data.participants.get(0).identifiers) {
                if (each.kind.equals("email")) {
                    customer.mail = each.value;
                }
            }
        }
        customer.events++;
        customer.channels.merge(data.channel, 1L, Long::sum);
        if (customer.first == null || event.time.compareTo(customer.first) < 0) {
            customer.first = event.time;
        }
        customer.latest = event.id;
        if (data.message != null) {
            Kept kept = new Kept();
            kept.time = event.time;
            kept.channel = data.channel;
            kept.text = data.message.text;
            customer.messages.add(kept);
            if (customer.messages.size() > MESSAGES_KEPT) {
                customer.messages.remove(0);
            }
        }
        return customer;
    }

    private static Change change(Customer customer) {
        Change change = new Change();
        change.customer = customer.mail;
        change.events = customer.events;
        change.latest = customer.latest;
        return change;
    }

    private static <T> Serde<T> serde(Class<T> type) {
        Deserializer<T> reader = (topic, bytes) -> {
            try {
                return bytes == null ? null : JSON.readValue(bytes, type);
            } catch (IOException error) {
                throw new IllegalStateException(error);
            }
        };
        return Serdes.serdeFrom(
                (topic, value) -> {
                    try {
                        return value == null ? null : JSON.writeValueAsBytes(value);
                    } catch (IOException error) {
                        throw new IllegalStateException(error);
                    }
                },
                reader);
    }
}
