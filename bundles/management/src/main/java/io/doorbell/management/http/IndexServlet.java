package io.doorbell.management.http;

import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;

/** Whatever no other servlet serves. It is here so that no path goes past the {@link Gate}. */
final class IndexServlet extends HttpServlet {
    private static final long serialVersionUID = 1L;

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        response.setContentType("text/plain; charset=utf-8");
        if (request.getRequestURI().equals("/")) {
            response.getWriter().println("Doorbell. The MBeans: /jolokia/list, /jolokia/read/io.doorbell:type=Leases");
        } else {
            response.setStatus(HttpServletResponse.SC_NOT_FOUND);
            response.getWriter().println("Nothing here.");
        }
    }
}
