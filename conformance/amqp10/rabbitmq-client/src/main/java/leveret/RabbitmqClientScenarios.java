package leveret;

import com.rabbitmq.client.amqp.AmqpException;
import com.rabbitmq.client.amqp.Connection;
import com.rabbitmq.client.amqp.Consumer;
import com.rabbitmq.client.amqp.ConsumerBuilder;
import com.rabbitmq.client.amqp.Environment;
import com.rabbitmq.client.amqp.Management;
import com.rabbitmq.client.amqp.Message;
import com.rabbitmq.client.amqp.Publisher;
import com.rabbitmq.client.amqp.impl.AmqpEnvironmentBuilder;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** RabbitMQ's own client for AMQP 1.0: topology, publishing, consuming, dead letters, streams. Argument: the broker's URI. */
public final class RabbitmqClientScenarios {
  private static final long TIMEOUT_SECONDS = 10;
  private static final long NOTHING_MILLISECONDS = 200;
  private static final int MESSAGES = 500;

  public static void main(String[] arguments) throws Exception {
    try (Environment environment = new AmqpEnvironmentBuilder().build();
        Connection connection = environment.connectionBuilder().uri(arguments[0]).build()) {
      String name = "rabbitmq-client-" + UUID.randomUUID();
      queue(connection, name);
      deadLetters(connection, name + "-dead");
      requeue(connection, name + "-requeue");
      stream(connection, name + "-stream");
      streamFilters(connection, name + "-filters");
    }
    System.exit(0);
  }

  private static void queue(Connection connection, String name) throws Exception {
    Management management = connection.management();
    equal(name, management.queue().name(name).quorum().queue().declare().name());
    management.exchange().name(name).type("direct").declare();
    management.binding().sourceExchange(name).destinationQueue(name).key("a key").bind();
    Publisher publisher = connection.publisherBuilder().exchange(name).key("a key").build();
    BlockingQueue<Publisher.Status> statuses = new LinkedBlockingQueue<>();
    for (int index = 0; index < MESSAGES; index++) {
      Message message = publisher.message(("message " + index).getBytes()).messageId((long) index).property("index", index);
      publisher.publish(message, context -> statuses.add(context.status()));
    }
    for (int index = 0; index < MESSAGES; index++) equal(Publisher.Status.ACCEPTED, next(statuses));
    equal((long) MESSAGES, management.queueInfo(name).messageCount());

    BlockingQueue<Message> messages = new LinkedBlockingQueue<>();
    Consumer consumer = connection.consumerBuilder().queue(name).messageHandler((context, message) -> {
      messages.add(message);
      context.accept();
    }).build();
    for (int index = 0; index < MESSAGES; index++) {
      Message message = next(messages);
      equal("" + index, message.messageId().toString());
      equal(index, message.property("index"));
      equal("message " + index, new String(message.body()));
    }
    consumer.close();

    management.unbind().sourceExchange(name).destinationQueue(name).key("a key").unbind();
    publisher.publish(publisher.message("to nobody".getBytes()), context -> statuses.add(context.status()));
    equal(Publisher.Status.RELEASED, next(statuses));
    management.queuePurge(name);
    management.queueDelete(name);
    management.exchangeDelete(name);
    try {
      management.queueInfo(name);
      throw new AssertionError("a queue that is deleted is there");
    } catch (AmqpException.AmqpEntityDoesNotExistException expected) {
      System.out.println("ok queue");
    }
  }

  private static void deadLetters(Connection connection, String name) throws Exception {
    Management management = connection.management();
    management.queue().name(name).declare();
    management.queue().name(name + "-source").deadLetterExchange("").deadLetterRoutingKey(name).declare();
    Publisher publisher = connection.publisherBuilder().queue(name + "-source").build();
    publisher.publish(publisher.message("m".getBytes()), context -> { });
    connection.consumerBuilder().queue(name + "-source").messageHandler((context, message) -> context.discard()).build();
    BlockingQueue<Message> messages = new LinkedBlockingQueue<>();
    connection.consumerBuilder().queue(name).messageHandler((context, message) -> {
      messages.add(message);
      context.accept();
    }).build();
    equal("rejected", next(messages).annotation("x-first-death-reason"));
    management.queueDelete(name);
    management.queueDelete(name + "-source");
    System.out.println("ok dead letters");
  }

  /** Annotations that come with a requeue are the message's from then on. */
  private static void requeue(Connection connection, String name) throws Exception {
    Management management = connection.management();
    management.queue().name(name).quorum().queue().declare();
    Publisher publisher = connection.publisherBuilder().queue(name).build();
    BlockingQueue<Publisher.Status> statuses = new LinkedBlockingQueue<>();
    publisher.publish(publisher.message("again".getBytes()), context -> statuses.add(context.status()));
    equal(Publisher.Status.ACCEPTED, next(statuses));
    List<String> history = List.of("first try", "at night");
    BlockingQueue<Message> messages = new LinkedBlockingQueue<>();
    Consumer consumer = connection.consumerBuilder().queue(name).messageHandler((context, message) -> {
      if (message.hasAnnotation("x-opt-history")) {
        messages.add(message);
        context.accept();
      } else {
        context.requeue(Map.of("x-opt-history", history, "x-opt-attempt", 1L));
      }
    }).build();
    Message message = next(messages);
    equal(history, message.annotation("x-opt-history"));
    equal(1L, message.annotation("x-opt-attempt"));
    consumer.close();
    management.queueDelete(name);
    System.out.println("ok requeue with annotations");
  }

  private static void stream(Connection connection, String name) throws Exception {
    Management management = connection.management();
    management.queue().name(name).type(Management.QueueType.STREAM).declare();
    Publisher publisher = connection.publisherBuilder().queue(name).build();
    BlockingQueue<Publisher.Status> statuses = new LinkedBlockingQueue<>();
    for (int index = 0; index < 10; index++) {
      Message message = publisher.message(("" + index).getBytes());
      message.annotation("x-stream-filter-value", index % 2 == 0 ? "even" : "odd");
      publisher.publish(message, context -> statuses.add(context.status()));
    }
    for (int index = 0; index < 10; index++) next(statuses);
    BlockingQueue<String> bodies = new LinkedBlockingQueue<>();
    connection.consumerBuilder().queue(name).stream()
        .offset(ConsumerBuilder.StreamOffsetSpecification.FIRST).filterValues("even").builder()
        .messageHandler((context, message) -> {
          if (Integer.parseInt(new String(message.body())) % 2 == 0) bodies.add(new String(message.body()));
          context.accept();
        }).build();
    for (int index = 0; index < 10; index += 2) equal("" + index, next(bodies));
    management.queueDelete(name);
    System.out.println("ok stream");
  }

  /** The broker sends what a filter expression of properties asks for, and nothing else. */
  private static void streamFilters(Connection connection, String name) throws Exception {
    Management management = connection.management();
    management.queue().name(name).type(Management.QueueType.STREAM).declare();
    Publisher publisher = connection.publisherBuilder().queue(name).build();
    BlockingQueue<Publisher.Status> statuses = new LinkedBlockingQueue<>();
    for (int index = 0; index < 12; index++) {
      Message message = publisher.message(("" + index).getBytes());
      message.subject(index % 2 == 0 ? "order.created" : "order.paid").property("region", index % 3 == 0 ? "emea" : "apac");
      publisher.publish(message, context -> statuses.add(context.status()));
    }
    for (int index = 0; index < 12; index++) next(statuses);
    BlockingQueue<String> bodies = new LinkedBlockingQueue<>();
    Consumer consumer = connection.consumerBuilder().queue(name).stream()
        .offset(ConsumerBuilder.StreamOffsetSpecification.FIRST)
        .filter().subject("&s:created").property("region", "emea").stream().builder()
        .messageHandler((context, message) -> {
          bodies.add(new String(message.body()));
          context.accept();
        }).build();
    for (int index = 0; index < 12; index += 6) equal("" + index, next(bodies));
    equal(null, bodies.poll(NOTHING_MILLISECONDS, TimeUnit.MILLISECONDS));
    consumer.close();
    management.queueDelete(name);
    System.out.println("ok stream filters");
  }

  private static <T> T next(BlockingQueue<T> queue) throws InterruptedException {
    T element = queue.poll(TIMEOUT_SECONDS, TimeUnit.SECONDS);
    if (element == null) throw new AssertionError("nothing in time");
    return element;
  }

  private static void equal(Object expected, Object actual) {
    if (!Objects.equals(expected, actual)) throw new AssertionError("expected " + expected + ", got " + actual);
  }
}
