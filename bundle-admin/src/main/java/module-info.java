/** What an administrator asks of controllers, as commands. */
module io.doorbell.admin {
    requires transitive io.doorbell.api;
    requires com.fasterxml.jackson.jr.ob;
    requires info.picocli;
    requires static osgi.annotation;
    requires static org.osgi.service.component.annotations;

    exports io.doorbell.admin;

    opens io.doorbell.admin to
            info.picocli;
}
