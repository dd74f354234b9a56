/** Linux through Panama. The only module with restricted FFM calls. */
module io.doorbell.platform {
    requires static osgi.annotation;

    exports io.doorbell.platform;
}
