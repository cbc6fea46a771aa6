package leveret;

import jakarta.jms.BytesMessage;
import jakarta.jms.Connection;
import jakarta.jms.DeliveryMode;
import jakarta.jms.JMSException;
import jakarta.jms.MapMessage;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.MessageProducer;
import jakarta.jms.ObjectMessage;
import jakarta.jms.Queue;
import jakarta.jms.Session;
import jakarta.jms.StreamMessage;
import jakarta.jms.TemporaryQueue;
import jakarta.jms.TextMessage;
import jakarta.jms.Topic;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import org.apache.qpid.jms.JmsConnectionFactory;

/** What a JMS application relies on, through Qpid JMS. Arguments: host:port, user, password. Prints a line for each scenario. */
public final class JmsScenarios {
  private static final long TIMEOUT_MILLISECONDS = 10_000;
  private static final long NOTHING_MILLISECONDS = 300;

  private interface Scenario {
    void run(JmsConnectionFactory factory, String name) throws Exception;
  }

  public static void main(String[] arguments) {
    JmsConnectionFactory factory = new JmsConnectionFactory("amqp://" + arguments[0] + "?jms.validatePropertyNames=false");
    factory.setUsername(arguments[1]);
    factory.setPassword(arguments[2]);
    Map<String, Scenario> scenarios = new LinkedHashMap<>();
    scenarios.put("messages of every kind", JmsScenarios::kinds);
    scenarios.put("headers and properties", JmsScenarios::headers);
    scenarios.put("transacted session", JmsScenarios::transacted);
    scenarios.put("client acknowledgement and recover", JmsScenarios::recover);
    scenarios.put("request and reply over a temporary queue", JmsScenarios::requestReply);
    scenarios.put("topic with a selector", JmsScenarios::topic);
    scenarios.put("durable subscription", JmsScenarios::durableSubscription);
    scenarios.put("shared subscription", JmsScenarios::sharedSubscription);
    scenarios.put("priority and expiry", JmsScenarios::expiry);
    int failures = 0;
    for (Map.Entry<String, Scenario> scenario : scenarios.entrySet()) {
      try {
        scenario.getValue().run(factory, "jms-" + UUID.randomUUID());
        System.out.println("ok " + scenario.getKey());
      } catch (Throwable failure) {
        failures++;
        System.out.println("not ok " + scenario.getKey() + ": " + failure);
        failure.printStackTrace(System.out);
      }
    }
    System.exit(failures == 0 ? 0 : 1);
  }

  private static void kinds(JmsConnectionFactory factory, String name) throws Exception {
    try (Connection connection = factory.createConnection()) {
      Session session = connection.createSession(Session.AUTO_ACKNOWLEDGE);
      Queue queue = session.createQueue(name);
      MessageProducer producer = session.createProducer(queue);
      connection.start();
      MessageConsumer consumer = session.createConsumer(queue);

      producer.send(session.createTextMessage("text \u2603"));
      equal("text \u2603", ((TextMessage) receive(consumer)).getText());

      BytesMessage bytes = session.createBytesMessage();
      bytes.writeInt(-7);
      bytes.writeUTF("utf");
      producer.send(bytes);
      BytesMessage bytesReceived = (BytesMessage) receive(consumer);
      equal(-7, bytesReceived.readInt());
      equal("utf", bytesReceived.readUTF());

      MapMessage map = session.createMapMessage();
      map.setLong("long", Long.MIN_VALUE);
      map.setString("string", "value");
      map.setBytes("bytes", new byte[] {1, 2});
      producer.send(map);
      MapMessage mapReceived = (MapMessage) receive(consumer);
      equal(Long.MIN_VALUE, mapReceived.getLong("long"));
      equal("value", mapReceived.getString("string"));
      equal(2, mapReceived.getBytes("bytes").length);

      StreamMessage stream = session.createStreamMessage();
      stream.writeDouble(1.5);
      stream.writeString("s");
      producer.send(stream);
      StreamMessage streamReceived = (StreamMessage) receive(consumer);
      equal(1.5, streamReceived.readDouble());
      equal("s", streamReceived.readString());

      ObjectMessage object = session.createObjectMessage(UUID.fromString("00000000-0000-0000-0000-000000000001"));
      producer.send(object);
      equal("00000000-0000-0000-0000-000000000001", ((ObjectMessage) receive(consumer)).getObject().toString());

      producer.send(session.createMessage());
      receive(consumer);
    }
  }

  private static void headers(JmsConnectionFactory factory, String name) throws Exception {
    try (Connection connection = factory.createConnection()) {
      Session session = connection.createSession(Session.AUTO_ACKNOWLEDGE);
      Queue queue = session.createQueue(name);
      connection.start();
      Message message = session.createTextMessage("m");
      message.setJMSCorrelationID("correlation");
      message.setJMSType("type");
      message.setJMSReplyTo(session.createQueue("reply"));
      message.setStringProperty("string", "s");
      message.setByteProperty("byte", (byte) -1);
      message.setShortProperty("short", (short) -2);
      message.setIntProperty("int", -3);
      message.setLongProperty("long", -4);
      message.setFloatProperty("float", 0.5f);
      message.setDoubleProperty("double", 0.25);
      message.setBooleanProperty("boolean", true);
      message.setStringProperty("JMSXGroupID", "group");
      message.setIntProperty("JMSXGroupSeq", 5);
      MessageProducer producer = session.createProducer(queue);
      producer.send(message, DeliveryMode.PERSISTENT, 7, 60_000);
      Message received = receive(session.createConsumer(queue));
      equal("correlation", received.getJMSCorrelationID());
      equal("type", received.getJMSType());
      equal("reply", ((Queue) received.getJMSReplyTo()).getQueueName());
      equal(name, ((Queue) received.getJMSDestination()).getQueueName());
      equal(message.getJMSMessageID(), received.getJMSMessageID());
      equal(message.getJMSTimestamp(), received.getJMSTimestamp());
      equal(message.getJMSExpiration(), received.getJMSExpiration());
      equal(DeliveryMode.PERSISTENT, received.getJMSDeliveryMode());
      equal(7, received.getJMSPriority());
      equal(false, received.getJMSRedelivered());
      equal("s", received.getStringProperty("string"));
      equal((byte) -1, received.getByteProperty("byte"));
      equal((short) -2, received.getShortProperty("short"));
      equal(-3, received.getIntProperty("int"));
      equal(-4L, received.getLongProperty("long"));
      equal(0.5f, received.getFloatProperty("float"));
      equal(0.25, received.getDoubleProperty("double"));
      equal(true, received.getBooleanProperty("boolean"));
      equal("group", received.getStringProperty("JMSXGroupID"));
      equal(5, received.getIntProperty("JMSXGroupSeq"));
    }
  }

  private static void transacted(JmsConnectionFactory factory, String name) throws Exception {
    try (Connection connection = factory.createConnection()) {
      connection.start();
      Session session = connection.createSession(Session.SESSION_TRANSACTED);
      Session observer = connection.createSession(Session.AUTO_ACKNOWLEDGE);
      Queue queue = session.createQueue(name);
      MessageProducer producer = session.createProducer(queue);
      MessageConsumer observing = observer.createConsumer(queue);
      producer.send(session.createTextMessage("rolled back"));
      session.rollback();
      producer.send(session.createTextMessage("committed"));
      equal(null, observing.receive(NOTHING_MILLISECONDS));
      session.commit();
      equal("committed", ((TextMessage) receive(observing)).getText());
      observing.close();

      producer.send(session.createTextMessage("again"));
      session.commit();
      MessageConsumer consumer = session.createConsumer(queue);
      equal("again", ((TextMessage) receive(consumer)).getText());
      session.rollback();
      Message again = receive(consumer);
      equal("again", ((TextMessage) again).getText());
      session.commit();
      equal(null, consumer.receive(NOTHING_MILLISECONDS));
    }
  }

  private static void recover(JmsConnectionFactory factory, String name) throws Exception {
    try (Connection connection = factory.createConnection()) {
      connection.start();
      Session session = connection.createSession(Session.CLIENT_ACKNOWLEDGE);
      Queue queue = session.createQueue(name);
      MessageProducer producer = session.createProducer(queue);
      producer.send(session.createTextMessage("1"));
      producer.send(session.createTextMessage("2"));
      MessageConsumer consumer = session.createConsumer(queue);
      equal("1", ((TextMessage) receive(consumer)).getText());
      session.recover();
      equal("1", ((TextMessage) receive(consumer)).getText());
      Message second = receive(consumer);
      equal("2", ((TextMessage) second).getText());
      second.acknowledge();
      consumer.close();
      MessageConsumer other = session.createConsumer(queue);
      equal(null, other.receive(NOTHING_MILLISECONDS));
      other.close();
      producer.send(session.createTextMessage("3"));
    }
    for (int deliveryCount = 1; deliveryCount <= 2; deliveryCount++) {
      try (Connection connection = factory.createConnection()) {
        connection.start();
        Session session = connection.createSession(Session.CLIENT_ACKNOWLEDGE);
        Message third = receive(session.createConsumer(session.createQueue(name)));
        equal("3", ((TextMessage) third).getText());
        equal(deliveryCount > 1, third.getJMSRedelivered());
        // On its way out the client may give the message back and be sent it once more.
        equal(true, third.getIntProperty("JMSXDeliveryCount") >= deliveryCount);
        if (deliveryCount > 1) third.acknowledge();
      }
    }
  }

  private static void requestReply(JmsConnectionFactory factory, String name) throws Exception {
    try (Connection requesting = factory.createConnection(); Connection replying = factory.createConnection()) {
      requesting.start();
      replying.start();
      Session requester = requesting.createSession(Session.AUTO_ACKNOWLEDGE);
      Session replier = replying.createSession(Session.AUTO_ACKNOWLEDGE);
      MessageConsumer requests = replier.createConsumer(replier.createQueue(name));
      TemporaryQueue replies = requester.createTemporaryQueue();
      MessageConsumer consumer = requester.createConsumer(replies);
      Message request = requester.createTextMessage("question");
      request.setJMSReplyTo(replies);
      requester.createProducer(requester.createQueue(name)).send(request);
      Message received = receive(requests);
      Message reply = replier.createTextMessage("answer");
      replier.createProducer(null).send(received.getJMSReplyTo(), reply);
      equal("answer", ((TextMessage) receive(consumer)).getText());
      consumer.close();
      replies.delete();
    }
  }

  private static void topic(JmsConnectionFactory factory, String name) throws Exception {
    try (Connection connection = factory.createConnection()) {
      connection.start();
      Session session = connection.createSession(Session.AUTO_ACKNOWLEDGE);
      Topic topic = session.createTopic(name);
      MessageConsumer all = session.createConsumer(topic);
      MessageConsumer red = session.createConsumer(topic, "colour = 'red' AND weight BETWEEN 2 AND 3");
      MessageProducer producer = session.createProducer(topic);
      for (int weight = 1; weight <= 4; weight++) {
        Message message = session.createTextMessage("" + weight);
        message.setStringProperty("colour", "red");
        message.setIntProperty("weight", weight);
        producer.send(message);
      }
      for (int weight = 1; weight <= 4; weight++) equal("" + weight, ((TextMessage) receive(all)).getText());
      for (int weight = 2; weight <= 3; weight++) equal("" + weight, ((TextMessage) receive(red)).getText());
      equal(null, red.receive(NOTHING_MILLISECONDS));
    }
  }

  private static void durableSubscription(JmsConnectionFactory factory, String name) throws Exception {
    try (Connection connection = factory.createConnection()) {
      connection.setClientID("client-" + name);
      connection.start();
      Session session = connection.createSession(Session.AUTO_ACKNOWLEDGE);
      Topic topic = session.createTopic(name);
      session.createDurableSubscriber(topic, "subscription").close();
      session.createProducer(topic).send(session.createTextMessage("while away"));
    }
    try (Connection connection = factory.createConnection()) {
      connection.setClientID("client-" + name);
      connection.start();
      Session session = connection.createSession(Session.AUTO_ACKNOWLEDGE);
      Topic topic = session.createTopic(name);
      MessageConsumer consumer = session.createDurableSubscriber(topic, "subscription");
      equal("while away", ((TextMessage) receive(consumer)).getText());
      consumer.close();
      session.unsubscribe("subscription");
      session.createProducer(topic).send(session.createTextMessage("for nobody"));
      equal(null, session.createDurableSubscriber(topic, "subscription").receive(NOTHING_MILLISECONDS));
    }
  }

  private static void sharedSubscription(JmsConnectionFactory factory, String name) throws Exception {
    try (Connection connection = factory.createConnection()) {
      connection.start();
      Session session = connection.createSession(Session.AUTO_ACKNOWLEDGE);
      Topic topic = session.createTopic(name);
      MessageConsumer one = session.createSharedConsumer(topic, "shared-" + name);
      MessageConsumer other = session.createSharedConsumer(topic, "shared-" + name);
      MessageProducer producer = session.createProducer(topic);
      for (int index = 0; index < 10; index++) producer.send(session.createTextMessage("" + index));
      int received = 0;
      while (one.receive(NOTHING_MILLISECONDS) != null) received++;
      while (other.receive(NOTHING_MILLISECONDS) != null) received++;
      equal(10, received);
    }
  }

  private static void expiry(JmsConnectionFactory factory, String name) throws Exception {
    try (Connection connection = factory.createConnection()) {
      connection.start();
      Session session = connection.createSession(Session.AUTO_ACKNOWLEDGE);
      Queue queue = session.createQueue(name);
      MessageProducer producer = session.createProducer(queue);
      producer.send(session.createTextMessage("short-lived"), DeliveryMode.NON_PERSISTENT, 4, 50);
      Thread.sleep(200);
      producer.send(session.createTextMessage("long-lived"));
      equal("long-lived", ((TextMessage) receive(session.createConsumer(queue))).getText());
    }
  }

  private static Message receive(MessageConsumer consumer) throws JMSException {
    Message message = consumer.receive(TIMEOUT_MILLISECONDS);
    if (message == null) throw new AssertionError("no message in time");
    return message;
  }

  private static void equal(Object expected, Object actual) {
    if (!Objects.equals(expected, actual)) throw new AssertionError("expected " + expected + ", got " + actual);
  }
}
