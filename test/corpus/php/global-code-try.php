<?php
try {
    throw new RuntimeException("x");
} catch (RuntimeException | LogicException $e) {
    echo get_class($e);
} finally {
    echo "f";
}
