import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** Writes the body of a URL to stdout. */
public class Client {
    public static void main(String[] args) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(args[0])).build();
        HttpResponse<InputStream> answer =
            HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofInputStream());
        answer.body().transferTo(System.out);
        System.out.flush();
    }
}
