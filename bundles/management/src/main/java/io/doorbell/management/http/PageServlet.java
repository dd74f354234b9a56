package io.doorbell.management.http;

import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Map;

/**
 * The operator's page at {@code /}, its files below {@code /page/}, and nothing at all other paths that no other servlet has. It is
 * here too so that no path goes past the {@link Gate}. The page asks the node by Jolokia, as any client does; what Jolokia does not
 * know is whether who asks may change anything, which {@code /page/user.json} says.
 */
final class PageServlet extends HttpServlet {
    private static final long serialVersionUID = 1L;

    /** Only from here: a text that a peer made up and that got into the page could load nothing and send nothing elsewhere. */
    static final String CONTENT_SECURITY_POLICY = String.join(
            "; ",
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'");

    private static final String INDEX = "index.html";
    private static final String FOLDER = "/page/";
    private static final String USER = FOLDER + "user.json";

    /** By the end of the name; a file of another kind is not served. */
    private static final Map<String, String> TYPES = Map.of(
            "html", "text/html; charset=utf-8",
            "js", "text/javascript; charset=utf-8",
            "css", "text/css; charset=utf-8",
            "svg", "image/svg+xml");

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        var path = request.getRequestURI();
        if (path.equals(USER)) {
            response.setContentType("application/json; charset=utf-8");
            response.getWriter().println("{\"operator\": " + GuardedContext.isOperator(request) + "}");
            return;
        }
        var name = path.equals("/") ? INDEX : path.startsWith(FOLDER) ? path.substring(FOLDER.length()) : "";
        // A name and an end: no path leads out of the folder.
        var type = name.matches("[A-Za-z0-9.]+\\.[a-z]+") ? TYPES.get(name.substring(name.lastIndexOf('.') + 1)) : null;
        try (var content = type == null ? null : PageServlet.class.getResourceAsStream("page/" + name)) {
            if (content == null) {
                response.setStatus(HttpServletResponse.SC_NOT_FOUND);
                response.setContentType("text/plain; charset=utf-8");
                response.getWriter().println("Nothing here. The page is at /, the MBeans are at /jolokia/list");
                return;
            }
            response.setContentType(type);
            response.setHeader("Content-Security-Policy", CONTENT_SECURITY_POLICY);
            response.setHeader("Referrer-Policy", "no-referrer");
            content.transferTo(response.getOutputStream());
        }
    }
}
