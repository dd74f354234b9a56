/** The workload of SPDK's perf, on leased queue pairs. */
module io.doorbell.perf {
    requires transitive io.doorbell.api;
    requires com.fasterxml.jackson.jr.ob;
    requires info.picocli;
    // Its classes are in this jar: nothing of that name is needed at run time.
    requires static HdrHistogram;
    requires org.slf4j;
    requires static osgi.annotation;
    requires static org.osgi.service.component.annotations;

    exports io.doorbell.perf;

    opens io.doorbell.perf to
            info.picocli;
}
