<?php // note ?>
<?php echo "after";
