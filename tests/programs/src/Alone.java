import com.sun.net.httpserver.HttpServer;
import java.net.*;
import java.net.http.*;
import java.nio.ByteBuffer;
import java.nio.channels.*;
import java.util.concurrent.Executors;

/** An HTTP server and its client, a selector, asynchronous channels, sockets that another thread closes. */
public class Alone {
    interface Act {
        void run() throws Exception;
    }

    static void hypertext() throws Exception {
        var server = HttpServer.create(new InetSocketAddress(0), 50);
        server.createContext("/", x -> {
            byte[] answer = ("got " + x.getRequestBody().readAllBytes().length).getBytes();
            x.sendResponseHeaders(200, answer.length);
            x.getResponseBody().write(answer);
            x.close();
        });
        server.setExecutor(Executors.newFixedThreadPool(4));
        server.start();
        for (String host : new String[] {"127.0.0.1", "[::1]"}) {
            var to = URI.create("http://" + host + ":" + server.getAddress().getPort() + "/");
            var request = HttpRequest.newBuilder(to).POST(HttpRequest.BodyPublishers.ofByteArray(new byte[300000]));
            System.out.println(HttpClient.newHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofString()).body());
        }
        server.stop(0);
    }

    static void selector() throws Exception {
        var selector = Selector.open();
        var listener = ServerSocketChannel.open().bind(new InetSocketAddress("127.0.0.1", 0));
        var client = SocketChannel.open();
        int got = 0;
        listener.configureBlocking(false).register(selector, SelectionKey.OP_ACCEPT);
        client.configureBlocking(false);
        client.connect(listener.getLocalAddress());
        client.register(selector, SelectionKey.OP_CONNECT);
        while (got < 5) {
            selector.select(5000);
            for (var key : selector.selectedKeys()) {
                if (key.isAcceptable())
                    listener.accept().configureBlocking(false).register(selector, SelectionKey.OP_READ);
                else if (key.isConnectable() && client.finishConnect())
                    key.interestOps(SelectionKey.OP_WRITE);
                else if (key.isWritable() && client.write(ByteBuffer.wrap(new byte[5])) == 5)
                    key.interestOps(0);
                else if (key.isReadable())
                    got += ((SocketChannel) key.channel()).read(ByteBuffer.allocate(10));
            }
            selector.selectedKeys().clear();
        }
        System.out.println("selected " + got);
    }

    static boolean isInNativeCode(StackTraceElement[] stack) {
        return stack.length > 0 && stack[0].isNativeMethod();
    }

    /** What a thread in `waits` is told when the socket is closed under it. */
    static void closed(String name, Act waits, Act close) throws Exception {
        var thread = new Thread(() -> {
            try {
                waits.run();
            } catch (Exception e) {
                System.out.println(name + ": " + e.getClass());
            }
        });
        thread.start();
        while (thread.isAlive() && !isInNativeCode(thread.getStackTrace()))
            Thread.onSpinWait();
        close.run();
        thread.join(10000);
        System.out.println(name + (thread.isAlive() ? " still waits" : " has ended"));
    }

    public static void main(String[] args) throws Exception {
        hypertext();
        selector();
        var listener = new ServerSocket(0);
        closed("accept", listener::accept, listener::close);
        var datagrams = new DatagramSocket(0);
        closed("receive", () -> datagrams.receive(new DatagramPacket(new byte[10], 10)), datagrams::close);
        var second = new ServerSocket(0);
        var client = new Socket("127.0.0.1", second.getLocalPort());
        var peer = second.accept();
        closed("read", () -> client.getInputStream().read(), client::close);
        System.out.println("the peer reads " + peer.getInputStream().read());
        try (var none = new Socket("127.0.0.1", 1)) {
            System.out.println(none);
        } catch (ConnectException e) {
            System.out.println(e);
        }
        var asynchronous = AsynchronousServerSocketChannel.open().bind(new InetSocketAddress("::1", 0));
        var accepted = asynchronous.accept();
        var writer = AsynchronousSocketChannel.open();
        writer.connect(asynchronous.getLocalAddress()).get();
        writer.write(ByteBuffer.wrap(new byte[7])).get();
        System.out.println("asynchronous " + accepted.get().read(ByteBuffer.allocate(10)).get());
        System.exit(0);
    }
}
