# A node in a container, from what ./doorbell has built:  docker build -t doorbell .
# Needs no rights on emulated devices. docs/OPERATIONS.md says what real ones need.
FROM eclipse-temurin:25-jdk
RUN useradd --system --uid 7421 --home-dir /var/lib/doorbell --shell /usr/sbin/nologin doorbell \
    && install -d -o doorbell -g doorbell -m 0750 /var/lib/doorbell
COPY runtime/target/doorbell-*/ /opt/doorbell/
# The recording is the node's alone, not that of commands in the container; DOORBELL_JAVA_OPTS is free for -Xmx and the like.
ENV DOORBELL_HOME=/var/lib/doorbell \
    DOORBELL_NODE_JAVA_OPTS="-XX:+ExitOnOutOfMemoryError -Xlog:jfr+startup=error -XX:StartFlightRecording=name=doorbell,settings=default,disk=true,maxsize=64m,maxage=1d"
USER doorbell
VOLUME /var/lib/doorbell
# NVMe/TCP, once a listener has an address that is not loopback. Management stays on the container's loopback: docker exec.
EXPOSE 4420
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["/opt/doorbell/bin/doorbell", "status", "--json"]
ENTRYPOINT ["/opt/doorbell/bin/doorbell"]
CMD ["run"]
