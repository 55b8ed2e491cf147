import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Sends encoded messages with Kafka's own producer: {@code topic file [name=value …]}, where the file
 * has lines of key and value in base64 and 0 or 1, whether the message is in a transaction that is
 * aborted, between tabs. With a {@code transactional.id} all goes in transactions, else what would
 * be aborted is left out.
 */
public class ProduceEncoded {
  private static final int MESSAGES_PER_TRANSACTION = 200;

  public static void main(String[] args) throws Exception {
    Properties settings = new Properties();
    for (int i = 2; i < args.length; i += 1) {
      String[] pair = args[i].split("=", 2);
      settings.put(pair[0], pair[1]);
    }
    boolean transactional = settings.containsKey("transactional.id");
    List<Future<RecordMetadata>> sent = new ArrayList<>();
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
      if (transactional) producer.initTransactions();
      String open = "";
      int inTransaction = 0;
      for (String line : Files.readAllLines(Path.of(args[1]))) {
        String[] columns = line.split("\t");
        String aborted = columns[2];
        if (!transactional && aborted.equals("1")) continue;
        if (transactional && (!aborted.equals(open) || inTransaction == MESSAGES_PER_TRANSACTION)) {
          end(producer, open);
          producer.beginTransaction();
          open = aborted;
          inTransaction = 0;
        }
        inTransaction += 1;
        byte[] key = Base64.getDecoder().decode(columns[0]);
        byte[] value = Base64.getDecoder().decode(columns[1]);
        sent.add(producer.send(new ProducerRecord<>(args[0], key, value)));
      }
      if (transactional) end(producer, open);
      producer.flush();
    }
    for (Future<RecordMetadata> future : sent) future.get();
  }

  private static void end(KafkaProducer<byte[], byte[]> producer, String aborted) {
    // Written first: an abort otherwise drops what has not left the client yet.
    producer.flush();
    if (aborted.equals("1")) producer.abortTransaction();
    if (aborted.equals("0")) producer.commitTransaction();
  }
}
